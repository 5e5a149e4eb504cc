import type { CachedKeysAndValues, Context } from '@minigpt/core';
import {
  type AttentionOptions,
  attend,
  attention,
  attentionMaskValues,
  attentionScores,
  attentionWeights,
  dropout,
} from '@minigpt/ops';
import { softmax, type Tensor4D } from '@tensorflow/tfjs-core';

export interface CausalAttentionOptions {
  /** How many keys a query sees, itself included; all before it unless told. */
  readonly window?: number;
  /** What the scores are multiplied by; 1/√D unless told. */
  readonly scale?: number;
  /** See `AttentionOptions.softcap`. */
  readonly softcap?: number;
  /** The rate of dropout on the attention weights while training. */
  readonly dropout?: number;
}

/**
 * Attention of the tokens of a pass to themselves and to what is before them, as an attention layer does it between its
 * projections: through the context's cache where there is one, blind to padding. Taps see `q`, `k` and `v` as they come in, the
 * masked `scores` and their softmax, the weights, `[B, H, T, S]`, under `attention`, and what each head gathered,
 * `[B, H, T, D]`, under `z`. Where none sees scores or weights, they are not made.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H', T, D]`, H' dividing H
 * @param v float32 `[B, H', T, D]`
 * @param ctx the context of the layer: its path names the layer to the cache
 * @returns float32 `[B, H, T, D]`
 */
export function causalAttention(
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  ctx: Context,
  { window, scale, softcap, dropout: rate = 0 }: CausalAttentionOptions = {},
): Tensor4D {
  const query = ctx.observe(q, 'q');
  const fresh = { keys: ctx.observe(k, 'k'), values: ctx.observe(v, 'v') };
  const { keys, values, columns }: CachedKeysAndValues = ctx.cache?.update(ctx, fresh, { window }) ?? fresh;
  const options = { scale, softcap, ...visibility(q.shape[2], keys.shape[2], columns, window, ctx) };
  const dropped = ctx.training && rate > 0 ? { rate, rng: ctx.at('attn_dropout').rng } : undefined;
  // The fused form, unless somebody changes or looks at what is between the two products.
  const scored = ctx.observes('scores');
  if (!scored && !ctx.observes('attention')) {
    return ctx.observe(attention(query, keys, values, { ...options, dropout: dropped }), 'z');
  }
  const weighed = scored
    ? (softmax(ctx.observe(attentionScores(query, keys, options), 'scores')) as Tensor4D)
    : attentionWeights(query, keys, options);
  const weights = ctx.observe(weighed, 'attention'); // [B, H, T, S]
  return ctx.observe(attend(dropped ? dropout(weights, dropped.rate, dropped.rng) : weights, values), 'z');
}

/** Which keys the queries see: plainly causal where that says it all, else a mask that the layers of a pass share. */
function visibility(
  queries: number,
  keys: number,
  columns: (() => Int32Array) | undefined,
  window: number | undefined,
  ctx: Context,
): Pick<AttentionOptions, 'causal' | 'mask'> {
  const { padding } = ctx;
  const slides = window !== undefined && window < keys;
  if (columns === undefined && padding === undefined && !slides) return { causal: true };
  const makeMask = () => {
    const keyColumns = columns?.() ?? Int32Array.from({ length: keys }, (_, s) => s);
    return attentionMaskValues(ctx.columns(queries), keyColumns, { window, padding });
  };
  const shareMask = () => ctx.ofColumns(makeMask);
  return { mask: ctx.share(`attention mask ${queries} ${keys} ${window}`, shareMask, columns) };
}
