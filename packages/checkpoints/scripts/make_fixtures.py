"""Writes src/safetensors/fixtures: one tensor of each dtype, by Python's safetensors.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 safetensors==0.8.0
    venv/bin/python packages/checkpoints/scripts/make_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
from safetensors import TensorSpec, serialize

FIXTURES = Path(__file__).parent.parent / "src" / "safetensors" / "fixtures"

halves = [0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-24, -(2.0**-15), np.inf, -np.inf]
floats = [0.0, -1.5, 3.0e38, 1e-45, np.inf, -np.inf, 0.1]
bf16 = np.array([1.0, -3.140625, 2.0**-130, 2.0**127, -np.inf], np.float32)

arrays = {
    "f64": np.array([[1.0, -0.1], [1e-300, 2.0**52]], np.float64),
    "f32": np.array(floats, np.float32),
    "f16": np.array(halves, np.float16),
    "bf16": bf16,
    "i64": np.array([0, -1, 2**31 - 1, -(2**31)], np.int64),
    "i32": np.array([[[7, -7]]], np.int32),
    "i16": np.array([32767, -32768, 5], np.int16),
    "i8": np.array([127, -128, 3], np.int8),
    "u8": np.array([0, 255, 9], np.uint8),
    "bool": np.array([True, False, True], np.bool_),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((3, 0, 2), np.float32),
    "näme \"quoted\" \\ 𝄞": np.array([1.0], np.float32),
}


BF16_BITS = (bf16.view(np.uint32) >> 16).astype(np.uint16)


def spec(name, array):
    if name == "bf16":
        array = BF16_BITS
    dtype = "bfloat16" if name == "bf16" else array.dtype.name
    return TensorSpec(
        dtype=dtype, shape=array.shape, data_ptr=array.ctypes.data, data_len=array.nbytes
    )


def expected(array):
    narrow = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
    text = {np.inf: "Infinity", -np.inf: "-Infinity"}
    values = [text.get(v, v) for v in narrow.astype(np.float64).ravel().tolist()]
    return {"dtype": str(narrow.dtype), "shape": list(array.shape), "values": values}


FIXTURES.mkdir(parents=True, exist_ok=True)
(FIXTURES / "dtypes.safetensors").write_bytes(
    bytes(serialize({k: spec(k, v) for k, v in arrays.items()}, {"format": "pt"}))
)
(FIXTURES / "dtypes.json").write_text(
    json.dumps({k: expected(v) for k, v in arrays.items()}, indent=1) + "\n"
)
