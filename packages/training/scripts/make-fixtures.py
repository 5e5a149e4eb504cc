"""Writes ../fixtures/*.json: what PyTorch computes, for the tests of this package.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch && /tmp/venv/bin/python make-fixtures.py

Everything is computed in float64 from float32 values, and written with nine significant digits, enough for a float32.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

FOLDER = Path(__file__).resolve().parent.parent / "fixtures"


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().double().flatten().tolist()]


def write(name, content):
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({"made_by": "scripts/make-fixtures.py", "torch": torch.__version__.split("+")[0], **content})
    (FOLDER / name).write_text(text + "\n")


def single(*shape, scale=1.0):
    """Random float32 values, held in float64."""
    return (torch.randn(*shape) * scale).float().double()


# Twelve steps on a matrix and a vector; the fourth gradient explodes, the sixth is zero.
STEPS = 12
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "sgd_nesterov": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "sgd_momentum_wd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    "adam": (torch.optim.AdamW, {"lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}),
    "adamw_big_eps": (torch.optim.AdamW, {"lr": 0.01, "betas": [0.8, 0.99], "eps": 0.01, "weight_decay": 0.05}),
    "sgd_clip_norm_1": (torch.optim.SGD, {"lr": 0.1, "clip_grad_norm": 1.0}),
    "adamw_clip_norm_1": (
        torch.optim.AdamW,
        {"lr": 0.01, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1, "clip_grad_norm": 1.0},
    ),
}


def optimizers():
    torch.manual_seed(7)
    init = {"w": single(2, 3), "b": single(3)}
    scales = [1, 2, 0.5, 300, 1, 0] + [0.7**i for i in range(STEPS - 6)]
    grads = {name: torch.stack([single(*p.shape, scale=s) for s in scales]) for name, p in init.items()}
    runs = {}
    for name, (kind, options) in OPTIMIZERS.items():
        options = dict(options)
        limit = options.pop("clip_grad_norm", None)
        params = {key: torch.nn.Parameter(value.clone()) for key, value in init.items()}
        optimizer = kind(params.values(), **options)
        after = {key: [] for key in params}
        norms = []
        for step in range(STEPS):
            for key, param in params.items():
                param.grad = grads[key][step].clone()
            if limit is not None:
                norms.append(float(torch.nn.utils.clip_grad_norm_(params.values(), limit)))
            optimizer.step()
            for key, param in params.items():
                after[key].append(param.detach().clone())
        runs[name] = {
            "options": OPTIMIZERS[name][1],
            "after": {key: numbers(torch.stack(values)) for key, values in after.items()},
            **({"norms_before_clip": norms} if norms else {}),
        }
    write(
        "optimizers.json",
        {
            "steps": STEPS,
            "shapes": {key: list(value.shape) for key, value in init.items()},
            "init": {key: numbers(value) for key, value in init.items()},
            "grads": {key: numbers(value) for key, value in grads.items()},
            "runs": runs,
        },
    )


def nanogpt_rate(step, learning_rate, warmup_iters, lr_decay_iters, min_lr):
    """nanoGPT's get_lr."""
    if step < warmup_iters:
        return learning_rate * (step + 1) / (warmup_iters + 1)
    if step > lr_decay_iters:
        return min_lr
    ratio = (step - warmup_iters) / (lr_decay_iters - warmup_iters)
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (learning_rate - min_lr)


def linear_rate(step, learning_rate, warmup_iters, lr_decay_iters):
    """transformers' get_linear_schedule_with_warmup."""
    if step < warmup_iters:
        return learning_rate * step / warmup_iters
    return learning_rate * max(0.0, (lr_decay_iters - step) / (lr_decay_iters - warmup_iters))


def schedules():
    options = {"learning_rate": 1e-3, "warmup_iters": 10, "lr_decay_iters": 50}
    write(
        "schedules.json",
        {
            "options": {**options, "min_lr": 1e-4},
            "warmup_cosine": [nanogpt_rate(step, min_lr=1e-4, **options) for step in range(60)],
            "warmup_linear": [linear_rate(step, **options) for step in range(60)],
        },
    )


def training():
    """A table and a projection, ten steps of AdamW: two micro-batches a step, clipping, warm-up and cosine."""
    torch.manual_seed(11)
    steps, accumulation, batch, block, vocab, width = 10, 2, 3, 4, 7, 5
    rates = {"learning_rate": 0.05, "warmup_iters": 3, "lr_decay_iters": 9, "min_lr": 0.005}
    clip, weight_decay, betas = 0.5, 0.1, [0.9, 0.99]
    init = {"wte": single(vocab, width), "head": single(vocab, width), "bias": single(vocab)}
    params = {name: torch.nn.Parameter(value.clone()) for name, value in init.items()}
    groups = [
        {"params": [p for p in params.values() if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in params.values() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=betas)
    ids = torch.randint(vocab, (steps * accumulation, batch, block + 1))
    losses, norms = [], []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = nanogpt_rate(step, **rates)
        optimizer.zero_grad()
        total = 0.0
        for micro in ids[step * accumulation : (step + 1) * accumulation]:
            logits = params["wte"][micro[:, :-1]] @ params["head"].T + params["bias"]
            loss = F.cross_entropy(logits.reshape(-1, vocab), micro[:, 1:].reshape(-1)) / accumulation
            loss.backward()
            total += loss.item()
        losses.append(total)
        norms.append(float(torch.nn.utils.clip_grad_norm_(params.values(), clip)))
        optimizer.step()
    write(
        "training.json",
        {
            "accumulation": accumulation,
            "shape": [batch, block],
            "rates": rates,
            "grad_clip": clip,
            "weight_decay": weight_decay,
            "betas": betas,
            "shapes": {name: list(value.shape) for name, value in init.items()},
            "init": {name: numbers(value) for name, value in init.items()},
            "ids": ids.tolist(),
            "losses": losses,
            "grad_norms": norms,
            "after": {name: numbers(value) for name, value in params.items()},
        },
    )


optimizers()
schedules()
training()
