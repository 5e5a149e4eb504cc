"""Writes ../fixtures/families.{json,safetensors}: tiny models of the published families and what transformers computes with
them, in configurations that are awkward on purpose.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers safetensors numpy
    /tmp/venv/bin/python make-family-fixtures.py

Weights are float32 values; everything is computed from them in float64 and rounded to float32 at the end. transformers
casts to float32 in norms, softmax, rotary tables and routers: those casts are lifted to float64 here too (inv_freq stays as
it computes it, in float32). Each model is given by the config that its own `save_pretrained` writes; `weight.<name>` holds a
parameter and its gradient, one after the other.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from transformers import AutoConfig, AutoModelForCausalLM

FOLDER = Path(__file__).resolve().parent.parent / "fixtures"
SMALL = {"vocab_size": 13, "hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL |= {"max_position_embeddings": 32, "pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
ONE = {**SMALL, "num_hidden_layers": 1}
GQA = {**SMALL, "hidden_size": 12, "num_attention_heads": 3, "num_key_value_heads": 1}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 8}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONG = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1], "long_factor": [1.5, 3.0]}

MODELS = {
    "llama-biases-wide-heads": ("llama", {**SMALL, "head_dim": 6, "num_key_value_heads": 1, "attention_bias": True, "mlp_bias": True}),
    "llama-linear": ("llama", {**ONE, "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 3.0}}),
    "llama-dynamic": (
        "llama",
        {**ONE, "max_position_embeddings": 6, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}},
    ),
    "llama-yarn-tied": ("llama", {**GQA, "tie_word_embeddings": True, "rope_parameters": YARN}),
    "llama-llama3": ("llama", {**ONE, "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 16}}),
    "mistral-full-wide-heads": ("mistral", {**ONE, "head_dim": 6, "num_key_value_heads": 2, "sliding_window": None}),
    "qwen2-sliding-upper-layer": (
        "qwen2",
        {**GQA, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1, "tie_word_embeddings": True},
    ),
    "qwen3": ("qwen3", {**GQA, "head_dim": 6}),
    "qwen3-biases": ("qwen3", {**ONE, "head_dim": 4, "num_key_value_heads": 1, "attention_bias": True}),
    "starcoder2-no-bias-untied": (
        "starcoder2",
        {**ONE, "num_key_value_heads": 1, "use_bias": False, "sliding_window": None, "tie_word_embeddings": False},
    ),
    "gpt_neox-sequential": (
        "gpt_neox",
        {
            **SMALL,
            "use_parallel_residual": False,
            "attention_bias": False,
            "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 1.0},
        },
    ),
    "phi-normed-queries": ("phi", {**ONE, "num_key_value_heads": 1, "qk_layernorm": True}),
    "phi3": ("phi3", {**GQA, "sliding_window": 4}),
    "phi3-longrope": (
        "phi3",
        {**ONE, "num_key_value_heads": 1, "original_max_position_embeddings": 6, "rope_parameters": LONG},
    ),
    "gemma": ("gemma", {**SMALL, "head_dim": 6, "num_key_value_heads": 1}),
    "gemma2": (
        "gemma2",
        {
            **SMALL,
            "head_dim": 6,
            "num_key_value_heads": 1,
            "query_pre_attn_scalar": 10,
            "sliding_window": 3,
            "attn_logit_softcapping": 3.0,
            "final_logit_softcapping": 2.0,
        },
    ),
    "gemma2-uncapped": (
        "gemma2",
        {
            **SMALL,
            "head_dim": 4,
            "num_key_value_heads": 2,
            "attention_bias": True,
            "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
            "layer_types": ["full_attention", "sliding_attention"],
            "sliding_window": 2,
        },
    ),
    "olmo2": ("olmo2", {**GQA}),
    "mixtral-three-experts-window": (
        "mixtral",
        {**SMALL, "num_key_value_heads": 1, "num_local_experts": 3, "num_experts_per_tok": 2, "sliding_window": 4, "head_dim": 6},
    ),
    "gpt2-scaled-by-layer": (
        "gpt2",
        {
            "vocab_size": 13,
            "n_embd": 8,
            "n_head": 2,
            "n_layer": 2,
            "n_positions": 16,
            "n_inner": 10,
            "scale_attn_by_inverse_layer_idx": True,
            "activation_function": "relu",
            "bos_token_id": None,
            "eos_token_id": None,
        },
    ),
    "gpt2-unscaled": (
        "gpt2",
        {
            "vocab_size": 13,
            "n_embd": 8,
            "n_head": 4,
            "n_layer": 1,
            "n_positions": 16,
            "scale_attn_weights": False,
            "tie_word_embeddings": False,
            "bos_token_id": None,
            "eos_token_id": None,
        },
    ),
}


class Float64:
    """While it is entered, a cast to float32 is one to float64: transformers then computes all in float64."""

    def __enter__(self):
        self.float, self.to, self.softmax = torch.Tensor.float, torch.Tensor.to, torch.nn.functional.softmax
        wide = lambda value: torch.float64 if value is torch.float32 else value
        original_to, original_softmax = self.to, self.softmax
        torch.Tensor.float = lambda tensor, *_, **__: tensor if tensor.is_floating_point() else original_to(tensor, torch.float64)
        torch.Tensor.to = lambda tensor, *args, **kw: original_to(
            tensor, *map(wide, args), **{key: wide(value) for key, value in kw.items()}
        )
        torch.nn.functional.softmax = lambda x, dim=None, _stacklevel=3, dtype=None: original_softmax(x, dim=dim, dtype=wide(dtype))

    def __exit__(self, *_):
        torch.Tensor.float, torch.Tensor.to, torch.nn.functional.softmax = self.float, self.to, self.softmax


def on_disk(model, values):
    """`values` by parameter, under the names and in the shapes that save_pretrained writes."""
    found = {}
    for name, value in values.items():
        if name == "lm_head.weight" and model.config.model_type == "gpt_neox":
            found["embed_out.weight"] = value
        elif name.endswith(".mlp.gate.weight"):
            found[name.replace(".mlp.", ".block_sparse_moe.")] = value
        elif name.endswith(".mlp.experts.gate_up_proj"):
            prefix = name.replace(".mlp.experts.gate_up_proj", ".block_sparse_moe.experts")
            for expert, both in enumerate(value):
                found[f"{prefix}.{expert}.w1.weight"], found[f"{prefix}.{expert}.w3.weight"] = both.chunk(2)
        elif name.endswith(".mlp.experts.down_proj"):
            prefix = name.replace(".mlp.experts.down_proj", ".block_sparse_moe.experts")
            found |= {f"{prefix}.{expert}.w2.weight": down for expert, down in enumerate(value)}
        else:
            found[name] = value
    return found


def training_losses(model, ids, steps=3):
    """Nats per token before each of a few steps of AdamW on the same ids, its norm clipped at 1, and after the last."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    losses = []
    while True:
        logits = model(ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        losses.append(loss.item())
        if len(losses) > steps:
            return losses
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def make(name, model_type, settings, seed):
    torch.manual_seed(seed)
    config = AutoConfig.for_model(model_type, **settings, attn_implementation="eager")
    for rate in ("resid_pdrop", "embd_pdrop", "attn_pdrop"):
        if hasattr(config, rate):
            setattr(config, rate, 0.0)
    config._experts_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    model.eval()
    for key, parameter in model.named_parameters():
        around = 1.0 if "norm" in key and key.endswith("weight") and "gemma" not in model_type else 0.0
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape) * (0.4 if parameter.dim() > 1 else 0.2) + around)
    start = {key: value.detach().clone() for key, value in model.named_parameters()}

    frequencies = {key: value.clone() for key, value in model.named_buffers() if "inv_freq" in key}
    model.double()
    buffers = dict(model.named_buffers())
    for key, value in frequencies.items():
        buffers[key].copy_(value)
    ids = torch.randint(config.vocab_size, (2, 9))
    with Float64():
        logits = model(ids, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, config.vocab_size), ids[:, 1:].reshape(-1))
        extra = {}
        if model_type == "mixtral":
            extra["balancing_loss"] = model(ids, use_cache=False, output_router_logits=True).aux_loss
        loss.backward()
    tensors = {"input_ids": ids, "logits": logits, **extra}
    weights = on_disk(model, start)
    grads = on_disk(model, {key: value.grad for key, value in model.named_parameters()})
    tensors |= {f"weight.{key}": torch.stack([value.double(), grads[key]]) for key, value in weights.items()}
    with Float64():
        losses = training_losses(model, ids)

    written = {key: value for key, value in config.to_diff_dict().items() if not key.startswith("_")}
    cast = lambda value: value.detach().numpy().astype(np.float32 if value.is_floating_point() else np.int32)
    return written, losses, {key: np.asarray(cast(value), order="C") for key, value in tensors.items()}


golden, arrays = {}, {}
for seed, (name, (model_type, settings)) in enumerate(MODELS.items(), start=701):
    config, losses, tensors = make(name, model_type, settings, seed)
    golden[name] = {"seed": seed, "losses": losses, "config": config}
    arrays |= {f"{name}/{key}": value for key, value in tensors.items()}

versions = {
    "made_by": "packages/models/scripts/make-family-fixtures.py",
    "torch": torch.__version__.split("+")[0],
    "transformers": transformers.__version__,
}
save_file(arrays, FOLDER / "families.safetensors", metadata=versions)
(FOLDER / "families.json").write_text(json.dumps({**versions, "models": golden}, separators=(",", ":")) + "\n")
