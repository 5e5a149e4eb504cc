import type { HostTensor, StateDict } from '@minigpt/core';
import { dtypeOf } from './dtypes.ts';
import {
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsLimits,
  type TensorEntry,
} from './header.ts';

/** The contents of a safetensors file. */
export interface Safetensors {
  /** In the order of their data. */
  readonly tensors: StateDict;
  /** The strings under `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a whole safetensors file (https://github.com/huggingface/safetensors, "Format").
 *
 * F64 is rounded to float32, F16 and BF16 are widened to it; I64 becomes int32 where every value fits; I16, I8, U8 and BOOL
 * become int32. Aligned F32 and I32 tensors are views of `bytes`: do not write to either.
 *
 * @throws SafetensorsError naming the tensor and the rule; nothing is allocated for a header that lies.
 */
export function readSafetensors(bytes: Uint8Array, limits?: SafetensorsLimits): Safetensors {
  const dataBegin = LENGTH_BYTES + headerLength(bytes, bytes.length, limits);
  const data = bytes.subarray(dataBegin);
  const { entries, metadata } = parseHeader(bytes.subarray(LENGTH_BYTES, dataBegin), data.length);
  const tensors = new Map(
    entries.map((entry) => [entry.name, decodeTensor(entry, data.subarray(entry.begin, entry.end))]),
  );
  return { tensors, metadata };
}

/** @param bytes the data of this tensor alone. */
export function decodeTensor({ name, dtype, shape }: TensorEntry, bytes: Uint8Array): HostTensor {
  const data = dtypeOf(dtype).decode(bytes, name);
  return { dtype: data instanceof Float32Array ? 'float32' : 'int32', shape, data };
}
