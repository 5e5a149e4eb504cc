"""Writes ../fixtures/operations.safetensors and .json: values and gradients of every operation, as PyTorch has them.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch safetensors numpy
    /tmp/venv/bin/python make-fixtures.py

Inputs are float32 values; everything is computed from them in float64 and rounded to float32 at the end. A case has
`in.*` and `param.*`, `out`, a random `cotangent`, and `grad.*`: the gradients of sum(out * cotangent).
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent.parent / "fixtures"
torch.manual_seed(301)

tensors = {}
settings = {}


def normal(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).float().double()


def case(name, operation, inputs, parameters=None, also=None, **options):
    """Records one case; `also` names further results to keep."""
    leaves = {f"in.{key}": value for key, value in inputs.items()}
    leaves |= {f"param.{key}": value for key, value in (parameters or {}).items()}
    floats = {key: value.clone().requires_grad_() for key, value in leaves.items() if value.is_floating_point()}
    arguments = {key.split(".")[1]: floats.get(key, value) for key, value in leaves.items()}
    out = operation(**arguments, **options)
    cotangent = normal(*out.shape) if out.dim() > 0 else torch.tensor(1.0).double()
    (out * cotangent).sum().backward()
    results = {**leaves, "out": out, "cotangent": cotangent, **(also(**arguments) if also else {})}
    results |= {f"grad.{key}": value.grad for key, value in floats.items()}
    for key, value in results.items():
        kind = torch.float32 if value.is_floating_point() else torch.int32
        tensors[f"{name}/{key}"] = value.detach().to(kind).contiguous()
    settings[name] = options


def layer_norm(x, weight, bias=None, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def rms_norm(x, weight, eps=1e-5):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


def probabilities(q, k, causal, scale=None):
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        unseen = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1 + k.shape[-2] - q.shape[-2])
        scores = scores.masked_fill(unseen, float("-inf"))
    return scores.softmax(-1)


def attention(causal):
    return lambda q, k, v, scale=None: probabilities(q, k, causal, scale) @ v


def entropy(reduction):
    def losses(logits, targets, smooth=0.0):
        return F.cross_entropy(logits, targets, reduction=reduction, label_smoothing=smooth)

    return losses


def gelu_mlp(x, fc_weight, fc_bias, proj_weight, proj_bias):
    return F.linear(F.gelu(F.linear(x, fc_weight, fc_bias), approximate="tanh"), proj_weight, proj_bias)


x = {"x": normal(2, 3, 5)}
case("linear", lambda x, weight, bias: x @ weight.T + bias, x, {"weight": normal(4, 5), "bias": normal(4)})
case("linear_no_bias", lambda x, weight: x @ weight.T, x, {"weight": normal(4, 5)})
case("conv1d", lambda x, weight, bias: x @ weight + bias, x, {"weight": normal(5, 4), "bias": normal(4)})

repeated = {"ids": torch.tensor([[3, 0, 3], [6, 3, 1]])}
case("embedding", lambda ids, weight: weight[ids], repeated, {"weight": normal(7, 5)})

norm = {"weight": normal(5), "bias": normal(5)}
case("layernorm", layer_norm, x, norm)
case("layernorm_big_eps", layer_norm, x, norm, eps=0.3)
case("layernorm_no_bias", layer_norm, x, {"weight": normal(5)})
case("rmsnorm", rms_norm, x, {"weight": normal(5)})
case("rmsnorm_big_eps", rms_norm, x, {"weight": normal(5)}, eps=0.3)

wide = {"x": torch.cat([normal(29, scale=2.0), torch.tensor([0.0, -0.0, 12.0, -12.0, 40.0, -40.0])]).double()}
case("gelu_erf", lambda x: F.gelu(x), wide)
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), wide)
case("silu", lambda x: F.silu(x), wide)
case("relu2", lambda x: F.relu(x).square(), wide)
two_layers = {"fc_weight": normal(7, 5), "fc_bias": normal(7), "proj_weight": normal(5, 7), "proj_bias": normal(5)}
case("gelu_mlp", gelu_mlp, x, two_layers)

heads = {"q": normal(2, 2, 5, 3), "k": normal(2, 2, 5, 3), "v": normal(2, 2, 5, 3)}
seen = lambda q, k, v: {"probs": probabilities(q, k, causal=True)}
case("attention_causal", attention(causal=True), heads, also=seen)
case("attention_causal_scale", attention(causal=True), heads, scale=0.2)
case("attention_full", attention(causal=False), heads)
case("attention_fewer_queries", attention(causal=True), {**heads, "q": normal(2, 2, 2, 3)})

rows = {"logits": normal(6, 7, scale=2.0), "targets": torch.tensor([0, 6, -100, 3, 3, -100])}
case("cross_entropy", entropy("mean"), rows)
case("cross_entropy_smooth", entropy("mean"), rows, smooth=0.1)
case("cross_entropy_none", entropy("none"), rows)
case("cross_entropy_sum", entropy("sum"), rows)
case("cross_entropy_large_logits", entropy("mean"), {**rows, "logits": normal(6, 7, scale=1e4)})

FOLDER.mkdir(exist_ok=True)
versions = {"made_by": "packages/ops/scripts/make-fixtures.py", "torch": torch.__version__.split("+")[0]}
save_file(tensors, FOLDER / "operations.safetensors", metadata=versions)
(FOLDER / "operations.json").write_text(json.dumps({**versions, "settings": settings}, indent=1) + "\n")
