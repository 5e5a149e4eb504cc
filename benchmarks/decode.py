"""PyTorch's side of decode.ts: transformers on the same GGUF file, de-quantised to float32, one thread. Prints one JSON object."""
import argparse
import json
import os
import resource
import time

import torch
import transformers

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--prompt-tokens", type=int, required=True)
parser.add_argument("--tokens", type=int, required=True)
parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu")
flags = parser.parse_args()
torch.set_num_threads(1)
clock = time.perf_counter if flags.clock == "wall" else time.process_time

began = clock()
folder, file = os.path.split(os.path.abspath(flags.model))
model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
load = clock() - began
vocab = model.config.vocab_size
ids = torch.tensor([[3 + (7919 * i) % (vocab - 3) for i in range(flags.prompt_tokens)]])

with torch.inference_mode():
    model(ids[:, :8], use_cache=True)
    began = clock()
    out = model(ids, use_cache=True, logits_to_keep=1)
    prompt = clock() - began
    for _ in range(flags.tokens):
        token = out.logits[:, -1:].argmax(-1)
        out = model(token, past_key_values=out.past_key_values, use_cache=True)
    seconds = (clock() - began - prompt) / flags.tokens

print(json.dumps({
    "version": f"{torch.__version__}, transformers {transformers.__version__}",
    "loadSeconds": load,
    "promptSeconds": prompt,
    "tokenSeconds": seconds,
    "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
