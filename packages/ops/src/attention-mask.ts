import { fromHost, type HostTensor } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';

export interface AttentionMaskOptions {
  /** How many keys a query sees, itself included; all before it unless told. */
  readonly window?: number;
  /** How many keys at the beginning of each row stay visible beside the window (Xiao et al. 2023, "StreamingLLM"). */
  readonly sinkTokens?: number;
  /** How many columns at the beginning of each row hold padding, which nothing sees, `[B]`. */
  readonly padding?: readonly number[];
}

/** Added to a masked score: its exponential is exactly 0 in float32, and no backend makes NaN of it. */
const MASKED = -1e9;

/**
 * What to add to the scores so that each query sees the keys up to its own column only: 0 where query t may see key s, -1e9
 * elsewhere. A query that may see nothing (padding) weighs all keys alike.
 *
 * @param queries the column of each query, `[T]`
 * @param keys the column of each key, `[S]`, in any order; -1 for a slot that holds none
 * @returns float32 `[T, S]`, or `[B, 1, T, S]` with padding; undefined where everything is visible to all
 */
export function attentionMask(
  queries: Int32Array,
  keys: Int32Array,
  options: AttentionMaskOptions = {},
): Tensor | undefined {
  const mask = attentionMaskValues(queries, keys, options);
  return mask.data.some((value) => value !== 0) ? fromHost(mask) : undefined;
}

/** The values of {@link attentionMask} on the host, also where everything is visible to all. */
export function attentionMaskValues(
  queries: Int32Array,
  keys: Int32Array,
  { window = Number.POSITIVE_INFINITY, sinkTokens = 0, padding }: AttentionMaskOptions = {},
): HostTensor {
  const rows = padding ?? [0];
  const values = new Float32Array(rows.length * queries.length * keys.length);
  let index = 0;
  for (const first of rows) {
    for (const query of queries) {
      for (const key of keys) {
        const near = query - key < window || key - first < sinkTokens;
        if (!(key >= first && key <= query && near)) values[index] = MASKED;
        index++;
      }
    }
  }
  const shape = [queries.length, keys.length]; // [T, S]
  return {
    dtype: 'float32',
    shape: padding === undefined ? shape : [rows.length, 1, ...shape],
    data: values,
  };
}
