"""Writes src/gguf/fixtures: one row of random valid blocks of each block type, and their values by Python's gguf.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 gguf==0.19.0
    venv/bin/python packages/checkpoints/scripts/make_gguf_fixtures.py
"""

from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize
from safetensors.numpy import save_file

FIXTURES = Path(__file__).parent.parent / "src" / "gguf" / "fixtures"

# Where the float16 scales of a block lie, so that they can be given ordinary values.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64], "MXFP4": [],
}  # fmt: skip
ROW = 256

rng = np.random.default_rng(5)
FIXTURES.mkdir(parents=True, exist_ok=True)
writer = GGUFWriter(FIXTURES / "types.gguf", "test")
values = {}
for name, scales in SCALES.items():
    kind = GGMLQuantizationType[name]
    block_size, block_bytes = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (ROW // block_size, block_bytes), np.uint8)
    for at in scales:
        scale = rng.normal(0, 0.1, len(blocks)).astype(np.float16)
        blocks[:, at : at + 2] = scale.view(np.uint8).reshape(-1, 2)
    if name == "MXFP4":
        blocks[:, 0] = [0, 1, 2, 100, 127, 128, 140, 251]
    if name == "TQ1_0":  # a byte stands for five base-3 digits, the last four for four
        for at, digits in [(0, 5), (48, 4)]:
            count = 48 if at == 0 else 4
            numbers = rng.integers(0, 3**digits, count) * 3 ** (5 - digits)
            blocks[:, at : at + count] = (numbers * 256 + 242) // 243
    if name == "TQ2_0":
        blocks[:, :64] &= rng.choice(np.array([0x55, 0xAA, 0x00, 0x99], np.uint8), 64)
    raw = blocks.reshape(1, -1)
    writer.add_tensor(name, raw, raw_dtype=kind)
    values[name] = dequantize(raw, kind).astype(np.float32)

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
save_file(values, FIXTURES / "types.safetensors")
