import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';

/**
 * The slopes of ALiBi, one a head: `2^(-8 i / n)` for i = 1…n where the number of heads n is a power of two; otherwise those
 * of the power below, then every other one of the power above (Press, Smith, Lewis 2021, "Train short, test long").
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const below = Array.from({ length: power }, (_, i) => 2 ** ((-8 * (i + 1)) / power));
  const above = Array.from({ length: heads - power }, (_, i) => 2 ** ((-4 * (2 * i + 1)) / power));
  return [...below, ...above];
}

/**
 * What ALiBi adds to the scores: `slope · (key - query)`, the further back the less. Masks nothing.
 *
 * @param slopes one a head, see {@link alibiSlopes}
 * @param queries the column of each query, `[T]`
 * @param keys the column of each key, `[S]`
 * @returns float32 `[1, H, T, S]`
 */
export function alibiBias(slopes: readonly number[], queries: Int32Array, keys: Int32Array): Tensor4D {
  const [heads, t, s] = [slopes.length, queries.length, keys.length];
  const values = new Float32Array(heads * t * s);
  let index = 0;
  for (const slope of slopes)
    for (const query of queries) for (const key of keys) values[index++] = slope * (key - query);
  return tensor4d(values, [1, heads, t, s]);
}
