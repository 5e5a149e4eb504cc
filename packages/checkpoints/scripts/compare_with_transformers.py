"""Holds this package against transformers on models drawn at random over the settings of each family.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers safetensors numpy
    /tmp/venv/bin/python compare_with_transformers.py make FOLDER --models 10 --seed 1
    npx tsx compare-with-transformers.ts FOLDER
    /tmp/venv/bin/python compare_with_transformers.py check FOLDER

`make` saves models as transformers does, each with its config in the layout of transformers 5 and of 4. The second step loads
them from both, and writes them again as `NAME/written`, with the config that `model.toConfig()` gives. `check` loads those in
transformers, and prints the largest difference of logits of each family; a setting that is not implemented must have been
refused by name.
"""

import argparse
import json
import random
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

TOKENS = 11
ACTS = ["silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "relu"]


def rope(r, rotary):
    kind = r.choice(["default", "linear", "yarn", "llama3"] + (["dynamic"] if rotary > 2 else []))
    found = {"rope_type": kind, "rope_theta": r.choice([100.0, 10000.0, 500000.0])}
    if kind in ("linear", "dynamic"):
        found["factor"] = r.choice([1.0, 2.0, 3.5])
    if kind == "yarn":
        found |= {"factor": r.choice([2.0, 4.0]), "original_max_position_embeddings": r.choice([4, 8])}
        if r.random() < 0.5:
            found |= {"beta_fast": 16.0, "beta_slow": 2.0}
        if r.random() < 0.3:
            found["attention_factor"] = 1.3
        elif r.random() < 0.3:
            found |= {"mscale": 0.7, "mscale_all_dim": r.choice([0.5, 1.0])}
        if r.random() < 0.3:
            found["truncate"] = False
    if kind == "llama3":
        found |= {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8}
    return found


def common(r, heads=None):
    heads = heads or r.choice([1, 2, 4])
    return {
        "vocab_size": r.choice([13, 17]),
        "hidden_size": heads * r.choice([4, 6, 8]),
        "intermediate_size": r.choice([10, 12]),
        "num_hidden_layers": r.choice([1, 2, 3]),
        "num_attention_heads": heads,
        "max_position_embeddings": r.choice([8, 16, 64]),
        "tie_word_embeddings": r.random() < 0.5,
    }


def gqa(r, found):
    heads = found["num_attention_heads"]
    found["num_key_value_heads"] = r.choice([kv for kv in (1, 2, 4) if heads % kv == 0])
    return found


def head_dim(r, found):
    if r.random() < 0.5:
        found["head_dim"] = r.choice([4, 6, 10])
    return found.get("head_dim") or found["hidden_size"] // found["num_attention_heads"]


def windows(r, found):
    found["sliding_window"] = r.choice([None, 1, 3, 5])


def layer_types(r, found, possible=True):
    if not possible or r.random() < 0.6:
        return
    found["layer_types"] = [r.choice(["full_attention", "sliding_attention"]) for _ in range(found["num_hidden_layers"])]


def draw(family, r):
    c = common(r)
    if family in ("llama", "mistral", "mixtral", "qwen2", "qwen3", "gemma", "gemma2", "olmo2", "starcoder2", "phi", "phi3"):
        gqa(r, c)
    d = c["hidden_size"] // c["num_attention_heads"]
    if family in ("llama", "mistral", "mixtral", "qwen3", "gemma", "gemma2"):
        d = head_dim(r, c)
    if family == "mixtral":
        c["head_dim"] = d  # transformers 5.24 computes no yarn without it
    if family not in ("gpt_neox", "phi", "phi3", "gpt2"):
        c["rope_parameters"] = rope(r, d)
    act = r.choice(ACTS)
    if family == "llama":
        return {**c, "hidden_act": act, "attention_bias": r.random() < 0.5, "mlp_bias": r.random() < 0.5, "rms_norm_eps": 1e-4}
    if family == "mistral":
        windows(r, c)
        return {**c, "hidden_act": act}
    if family == "mixtral":
        windows(r, c)
        experts = r.choice([2, 3, 5])
        return {**c, "num_local_experts": experts, "num_experts_per_tok": r.randint(1, experts), "hidden_act": act}
    if family == "qwen2":
        c |= {"use_sliding_window": r.random() < 0.7, "sliding_window": 3, "max_window_layers": r.choice([0, 1, 2])}
        layer_types(r, c, c["use_sliding_window"])
        return {**c, "hidden_act": act}
    if family == "qwen3":
        c |= {"use_sliding_window": r.random() < 0.7, "sliding_window": 3, "max_window_layers": r.choice([0, 1, 2])}
        layer_types(r, c, c["use_sliding_window"])
        return {**c, "hidden_act": act, "attention_bias": r.random() < 0.5}
    if family == "starcoder2":
        windows(r, c)
        return {**c, "hidden_act": act, "use_bias": r.random() < 0.5, "norm_epsilon": 1e-4}
    if family in ("gemma", "gemma2"):
        c |= {"hidden_act" if family == "gemma" else "hidden_activation": act, "attention_bias": r.random() < 0.5}
        if family == "gemma2":
            c |= {"query_pre_attn_scalar": r.choice([4, 10]), "sliding_window": r.choice([1, 3, 5])}
            c |= {"attn_logit_softcapping": r.choice([None, 2.0]), "final_logit_softcapping": r.choice([None, 3.0])}
            layer_types(r, c)
        return c
    if family == "olmo2":
        return {**c, "hidden_act": act, "attention_bias": r.random() < 0.5}
    if family == "phi":
        part = r.choice([0.5, 1.0] if d % 4 == 0 else [1.0])
        c["rope_parameters"] = {**rope(r, int(d * part)), "partial_rotary_factor": part}
        return {**c, "hidden_act": act, "qk_layernorm": r.random() < 0.5, "layer_norm_eps": 1e-4}
    if family == "phi3":
        windows(r, c)
        c["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0}
        if r.random() < 0.5:
            half = d // 2
            c["original_max_position_embeddings"] = r.choice([4, 16])
            c["rope_parameters"] |= {
                "rope_type": "longrope",
                "short_factor": [1.0 + 0.1 * i for i in range(half)],
                "long_factor": [1.5 + i for i in range(half)],
            }
        return {**c, "hidden_act": act}
    if family == "gpt_neox":
        part = r.choice([0.5, 1.0] if d % 4 == 0 else [1.0])
        c["rope_parameters"] = {**rope(r, int(d * part)), "partial_rotary_factor": part}
        return {**c, "hidden_act": act, "use_parallel_residual": r.random() < 0.5, "attention_bias": r.random() < 0.5}
    if family == "gpt2":
        return {
            "vocab_size": c["vocab_size"],
            "n_embd": c["hidden_size"],
            "n_head": c["num_attention_heads"],
            "n_layer": c["num_hidden_layers"],
            "n_positions": 16,
            "n_inner": r.choice([None, 10]),
            "activation_function": act,
            "scale_attn_weights": r.random() < 0.7,
            "scale_attn_by_inverse_layer_idx": r.random() < 0.5,
            "reorder_and_upcast_attn": r.random() < 0.3,
            "tie_word_embeddings": c["tie_word_embeddings"],
            "layer_norm_epsilon": 1e-4,
        }
    raise ValueError(family)


FAMILIES = [
    *("gpt2", "gpt_neox", "llama", "mistral", "mixtral", "qwen2", "qwen3", "starcoder2"),
    *("phi", "phi3", "gemma", "gemma2", "olmo2"),
]


def older(config):
    """A config of transformers 5 as transformers 4 wrote it."""
    found = {key: value for key, value in config.items() if key not in ("rope_parameters", "dtype", "layer_types")}
    found["torch_dtype"] = config.get("dtype", "float32")
    rope = dict(config.get("rope_parameters") or {})
    if rope:
        neox = config["model_type"] == "gpt_neox"
        found["rotary_emb_base" if neox else "rope_theta"] = rope.pop("rope_theta")
        part = rope.pop("partial_rotary_factor", None)
        if part is not None:
            found["rotary_pct" if neox else "partial_rotary_factor"] = part
        if rope.get("rope_type") != "default":
            rope["type"] = rope.pop("rope_type")
            found["rope_scaling"] = rope
    return found


def logits_of(model, ids):
    with torch.no_grad():
        return model(ids, use_cache=False).logits


def make(folder, models, seed):
    r = random.Random(seed)
    for family in FAMILIES:
        for number in range(models):
            torch.manual_seed(r.randrange(2**31))
            settings = draw(family, r)
            tokens = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
            config = AutoConfig.for_model(family, **settings, **tokens)
            config._experts_implementation = "eager"
            model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
            for key, parameter in model.named_parameters():
                around = 1.0 if "norm" in key and key.endswith("weight") and "gemma" not in family else 0.0
                with torch.no_grad():
                    parameter.copy_(torch.randn(parameter.shape) * 0.3 + around)
            name = f"{family}-{seed}-{number}"
            model.save_pretrained(folder / name)
            written = json.loads((folder / name / "config.json").read_text())
            if "layer_types" not in settings:  # transformers 4 had none
                (folder / name / "config.v4.json").write_text(json.dumps(older(written)))
            ids = torch.randint(config.vocab_size, (2, TOKENS), dtype=torch.int32)
            save_file({"input_ids": ids, "logits": logits_of(model, ids.long())}, folder / name / "golden.safetensors")


def check(folder):
    worst, count, refused, failures = {}, {}, [], []
    for path in sorted(folder.iterdir()):
        family = path.name.split("-")[0]
        golden = load_file(path / "golden.safetensors")
        result = json.loads((path / "result.json").read_text())
        if "refused" in result:
            refused.append(f"{path.name}: {result['refused']}")
            continue
        ours = load_file(path / "ours.safetensors")
        differences = {key: (ours[key] - golden["logits"]).abs().max().item() for key in ours}
        again = AutoModelForCausalLM.from_pretrained(path / "written", attn_implementation="eager").eval()
        again.config._experts_implementation = "eager"
        differences["written"] = (logits_of(again, golden["input_ids"].long()) - golden["logits"]).abs().max().item()
        for key, difference in differences.items():
            worst[family, key] = max(worst.get((family, key), 0), difference)
            count[family] = count.get(family, 0) + (key == "written")
            if not difference < 2e-5:
                failures.append(f"{path.name} {key}: {difference:.2e}")
    for family in FAMILIES:
        row = {key: f"{value:.1e}" for (name, key), value in worst.items() if name == family}
        print(family, count.get(family, 0), row)
    print("\n".join(["refused:", *refused, "failures:", *failures]))
    return not failures


parser = argparse.ArgumentParser()
parser.add_argument("step", choices=["make", "check"])
parser.add_argument("folder", type=Path)
parser.add_argument("--models", type=int, default=10)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
if options.step == "make":
    make(options.folder, options.models, options.seed)
elif not check(options.folder):
    raise SystemExit(1)
