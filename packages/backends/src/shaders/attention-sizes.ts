import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';

/** What an attention shader asks about its inputs, as numbers. */
export interface AttentionSizes {
  readonly ints: Readonly<Record<string, number>>;
  readonly floats: Readonly<Record<string, number>>;
}

/**
 * `heads` and `keyHeads` of one text, `t` queries and `s` keys of size `d`; `window` is the number of keys that a query sees;
 * of a mask, how many texts and heads it tells apart (`maskTexts`, `maskHeads`).
 *
 * @param attrs of the kernels `Attention` and `GeneralAttention`
 */
export function attentionSizes(
  { q, k, mask }: Readonly<Record<string, TensorInfo>>,
  attrs: NamedAttrMap,
): AttentionSizes {
  const {
    causal,
    scale,
    window = 0,
    softcap = 0,
  } = attrs as {
    causal: boolean;
    scale: number;
    window?: number;
    softcap?: number;
  };
  const [, heads, t, d] = q.shape;
  const [, keyHeads, s] = k.shape;
  const [maskTexts, maskHeads] = mask?.shape.length === 4 ? mask.shape : [1, 1];
  const limit = causal && window > 0 ? window : s + t;
  const ints = { heads, keyHeads, t, s, d, causal: Number(causal), window: limit };
  return {
    ints: mask === undefined ? ints : { ...ints, maskTexts, maskHeads },
    floats: { scale, softcap },
  };
}
