"""Writes src/processors/fixtures/processors.json: rows of logits and what transformers' warpers make of them.

The warpers are written out in numpy, in float64 from float32 logits (transformers 5.23, generation/logits_process.py:
TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper).

    python -m venv venv && venv/bin/pip install numpy==2.4.6
    venv/bin/python packages/sampling/scripts/make_fixtures.py
"""

import json
from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).parent.parent / "src" / "processors" / "fixtures" / "processors.json"


def temperature(logits, temperature, **_):
    return logits / temperature


def top_k(logits, top_k, min_tokens_to_keep=1, **_):
    k = min(max(top_k, min_tokens_to_keep), len(logits))
    return np.where(logits < np.sort(logits)[-k], -np.inf, logits)


def top_p(logits, top_p, min_tokens_to_keep=1, **_):
    order = np.argsort(logits, kind="stable")
    weights = np.exp(logits[order] - logits.max())
    remove = np.cumsum(weights / weights.sum()) <= 1 - top_p
    remove[-min_tokens_to_keep:] = False
    out = logits.copy()
    out[order[remove]] = -np.inf
    return out


WARPERS = {"temperature": temperature, "top_k": top_k, "top_p": top_p}

CASES = [
    {"temperature": 0.7},
    {"temperature": 1.5},
    {"top_k": 1},
    {"top_k": 4},
    {"top_k": 500},
    {"top_k": 1, "min_tokens_to_keep": 3},
    {"top_p": 0.9},
    {"top_p": 0.4},
    {"top_p": 0.001},
    {"top_p": 0.2, "min_tokens_to_keep": 4},
    {"order": ["temperature", "top_k", "top_p"], "temperature": 0.8, "top_k": 10, "top_p": 0.9},
    {"order": ["top_p", "top_k", "temperature"], "temperature": 1.3, "top_k": 3, "top_p": 0.6},
]


def process(logits, params):
    names = params.get("order", [name for name in params if name in WARPERS])
    for name in names:
        logits = WARPERS[name](logits, **params)
    return logits


def values(row):
    return ["-Infinity" if v == -np.inf else float(v) for v in row.astype(np.float32)]


rng = np.random.default_rng(3)
rows = [(rng.standard_normal(20) * scale).astype(np.float32) for scale in (0.5, 1, 3, 10)]
rows[1][[4, 9, 15]] = -np.inf

fixture = {
    "rows": [{"logits": values(row)} for row in rows],
    "cases": [
        {
            "name": json.dumps(params),
            "params": params,
            "expected": [values(process(row.astype(np.float64), params)) for row in rows],
        }
        for params in CASES
    ],
}
FIXTURE.parent.mkdir(parents=True, exist_ok=True)
FIXTURE.write_text(json.dumps(fixture) + "\n")
