"""Writes ../fixtures/<model>/: two tiny GPTs and what PyTorch computes with them.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch safetensors numpy
    /tmp/venv/bin/python make-fixtures.py

The model is written here with plain tensors, so that nothing but PyTorch is trusted; `gpt2` uses the names, layouts and
config of transformers' GPT2LMHeadModel. Weights are float32 values; everything is computed from them in float64 and
rounded to float32 at the end.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent.parent / "fixtures"
VERSIONS = {"made_by": "packages/models/scripts/make-fixtures.py", "torch": torch.__version__.split("+")[0]}
ADAMW = {"lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}
CLIP = 0.5
STEPS = 10

SHARED = {"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "initializer_range": 0.02}
SHARED |= {"embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}
MODELS = {
    "gpt2": {"model_type": "gpt2", "vocab_size": 19, "n_positions": 10, "n_layer": 2, "n_head": 2, "n_embd": 8, **SHARED},
    "gpt-untied-no-bias": {
        "model_type": "gpt",
        "vocab_size": 17,
        "n_positions": 9,
        "n_layer": 1,
        "n_head": 3,
        "n_embd": 12,
        "n_inner": 20,
        "bias": False,
        "tie_word_embeddings": False,
        **SHARED,
        "activation_function": "gelu",
    },
}


def shapes(config):
    width, inner = config["n_embd"], config.get("n_inner", 4 * config["n_embd"])
    found = {"transformer.wte.weight": [config["vocab_size"], width], "transformer.wpe.weight": [config["n_positions"], width]}
    for i in range(config["n_layer"]):
        block = f"transformer.h.{i}"
        found |= {f"{block}.ln_1.weight": [width], f"{block}.ln_1.bias": [width]}
        found |= {f"{block}.attn.c_attn.weight": [width, 3 * width], f"{block}.attn.c_attn.bias": [3 * width]}
        found |= {f"{block}.attn.c_proj.weight": [width, width], f"{block}.attn.c_proj.bias": [width]}
        found |= {f"{block}.ln_2.weight": [width], f"{block}.ln_2.bias": [width]}
        found |= {f"{block}.mlp.c_fc.weight": [width, inner], f"{block}.mlp.c_fc.bias": [inner]}
        found |= {f"{block}.mlp.c_proj.weight": [inner, width], f"{block}.mlp.c_proj.bias": [width]}
    found |= {"transformer.ln_f.weight": [width], "transformer.ln_f.bias": [width]}
    if not config.get("tie_word_embeddings", True):
        found["lm_head.weight"] = [config["vocab_size"], width]
    if not config.get("bias", True):
        found = {name: shape for name, shape in found.items() if not name.endswith(".bias")}
    return found


def initial(name, shape):
    """Large enough that no gradient is lost in rounding, and no norm is left at one and zero."""
    drawn = torch.randn(shape) * (0.2 if len(shape) == 2 else 0.1) + (1.0 if "ln_" in name and name.endswith("weight") else 0.0)
    return drawn.float()


def forward(parameters, config, ids, seen=None):
    """Logits [B, T, V]; `seen` gathers hidden states and attention probabilities."""
    seen = {} if seen is None else seen
    get = parameters.get
    batch, time = ids.shape
    heads = config["n_head"]
    gelu = "none" if config["activation_function"] == "gelu" else "tanh"

    def norm(x, name):
        weight, bias = get(f"{name}.weight"), get(f"{name}.bias")
        return F.layer_norm(x, x.shape[-1:], weight, bias, config["layer_norm_epsilon"])

    def conv1d(x, name):
        y = x @ get(f"{name}.weight")
        bias = get(f"{name}.bias")
        return y if bias is None else y + bias

    x = get("transformer.wte.weight")[ids] + get("transformer.wpe.weight")[:time]
    seen["hidden.0"] = x
    unseen = torch.ones(time, time, dtype=torch.bool).triu(1)
    for i in range(config["n_layer"]):
        block = f"transformer.h.{i}"
        qkv = conv1d(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").chunk(3, -1)
        q, k, v = (part.view(batch, time, heads, -1).transpose(1, 2) for part in qkv)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(unseen, float("-inf"))
        seen[f"attn.{i}"] = scores.softmax(-1)
        attended = (seen[f"attn.{i}"] @ v).transpose(1, 2).reshape(batch, time, -1)
        x = x + conv1d(attended, f"{block}.attn.c_proj")
        inner = F.gelu(conv1d(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc"), approximate=gelu)
        x = x + conv1d(inner, f"{block}.mlp.c_proj")
        seen[f"hidden.{i + 1}"] = x
    x = norm(x, "transformer.ln_f")
    seen["hidden.norm"] = x
    return x @ parameters.get("lm_head.weight", get("transformer.wte.weight")).T


def next_token_loss(parameters, config, ids):
    logits = forward(parameters, config, ids)[:, :-1]
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


def train(start, config, ids, clip, dtype=torch.float64):
    """The loss before each step, the norms before clipping, and the parameters at the end."""
    parameters = {name: value.to(dtype).clone().requires_grad_() for name, value in start.items()}
    groups = [
        {"params": [p for p in parameters.values() if p.dim() >= 2], "weight_decay": ADAMW["weight_decay"]},
        {"params": [p for p in parameters.values() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=ADAMW["lr"], betas=ADAMW["betas"], eps=ADAMW["eps"])
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = next_token_loss(parameters, config, ids)
        loss.backward()
        losses.append(loss.item())
        if clip is not None:
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), clip)))
        optimizer.step()
    return losses, norms, {name: value.detach() for name, value in parameters.items()}


def write(name, config, seed):
    torch.manual_seed(seed)
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    start = {key: initial(key, shape) for key, shape in shapes(config).items()}
    ids = torch.randint(config["vocab_size"], (2, config["n_positions"] - 1))

    parameters = {key: value.double().requires_grad_() for key, value in start.items()}
    tensors = {"logits": forward(parameters, config, ids, tensors_seen := {}), **tensors_seen}
    loss = next_token_loss(parameters, config, ids)
    loss.backward()
    tensors |= {f"grad.{key}": value.grad for key, value in parameters.items()}

    losses, _, after = train(start, config, ids, clip=None)
    clipped_losses, norms, _ = train(start, config, ids, clip=CLIP)
    tensors |= {f"after10.{key}": value for key, value in after.items()}
    rounded = train(start, config, ids, clip=None, dtype=torch.float32)[2]
    differs = {key: int(((rounded[key] - after[key]).abs() > 1e-5).sum()) for key in after}

    tensors = {key: value.detach().float().contiguous() for key, value in tensors.items()}
    save_file({**tensors, "input_ids": ids.int()}, folder / "golden.safetensors", metadata=VERSIONS)
    save_file(start, folder / "model.safetensors", metadata=VERSIONS)
    golden = {
        **VERSIONS,
        "seed": seed,
        "param_count": sum(value.numel() for value in start.values()),
        "loss": loss.item(),
        "adamw": {**ADAMW, "losses": losses},
        "adamw_clip": {"clip_grad_norm": CLIP, "losses": clipped_losses, "grad_norms_before_clip": norms},
        "after10_elements_where_float32_differs_by_more_than_1e-5": {
            key: count for key, count in differs.items() if count > 0
        },
    }
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


for seed, (name, config) in enumerate(MODELS.items(), start=401):
    write(name, config, seed)
