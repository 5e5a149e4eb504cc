/** Why `pytorch_model.bin` is not read, and what to do instead. */
export const PICKLE =
  'a Python pickle is a program and is not run; save it as safetensors ' +
  '(in Python: model.save_pretrained(folder, safe_serialization=True)).';
