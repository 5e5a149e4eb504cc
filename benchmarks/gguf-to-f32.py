"""Writes a GGUF file de-quantised to float32, for llama.cpp to run in float32: gguf-to-f32.py FROM TO (needs the package gguf)."""
import sys

import gguf

source, target = sys.argv[1:]
reader = gguf.GGUFReader(source)
writer = gguf.GGUFWriter(target, reader.get_field("general.architecture").contents())
for field in reader.fields.values():
    if field.name.startswith("GGUF.") or field.name == "general.architecture":
        continue
    kind = field.types[0]
    sub_type = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
    value = field.contents()
    if field.name == "general.file_type":
        value = int(gguf.LlamaFileType.ALL_F32)
    writer.add_key_value(field.name, value, kind, sub_type=sub_type)
for tensor in reader.tensors:
    writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
