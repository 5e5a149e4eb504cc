import type { HostTensor, LanguageModel } from '@minigpt/core';
import { layerPaths } from './anatomy.ts';
import { tap } from './tap.ts';

/** Attention weights on the host, `[L][H]`, each float32 `[T, T]`: row t says how much position t looks at each position. */
export type AttentionMaps = readonly (readonly HostTensor[])[];

/**
 * The attention weights of every head over one text.
 *
 * @throws NotATransformerError
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function attentionMaps(model: LanguageModel, ids: ArrayLike<number>): Promise<AttentionMaps> {
  const layers = layerPaths(model);
  const seen = await tap(
    model,
    [ids],
    layers.map(({ pattern }) => pattern),
  );
  return layers.map(({ pattern }) => {
    const { data, shape } = seen.get(pattern) as HostTensor;
    const [, heads, t] = shape; // [1, H, T, T]
    return Array.from({ length: heads }, (_, head): HostTensor => {
      return { dtype: 'float32', shape: [t, t], data: data.subarray(head * t * t, (head + 1) * t * t) };
    });
  });
}
