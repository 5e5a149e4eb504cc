import type { Rng } from '@minigpt/core';
import {
  add,
  concat,
  div,
  mul,
  type NamedAttrMap,
  neg,
  reshape,
  slice,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tanh,
  tidy,
  tile,
} from '@tensorflow/tfjs-core';
import { attentionMask } from './attention-mask.ts';
import { dropout, dropoutAttributes, dropoutKey } from './dropout.ts';
import { hasKernel, runKernel } from './kernel.ts';
import { matMul, product } from './mat-mul.ts';
import { withGradient } from './with-gradient.ts';

export interface AttentionOptions {
  /** Position t sees the keys up to its own only. With fewer queries than keys the queries are the last positions. */
  readonly causal?: boolean;
  /** With `causal`: how many keys a position sees, itself included (Beltagy et al. 2020, "Longformer"; Mistral). */
  readonly window?: number;
  /** What the scores are multiplied by; 1/√D unless told. */
  readonly scale?: number;
  /** c: the scaled scores become `c tanh(score / c)` before any mask (Gemma 2, Gemma Team 2024). */
  readonly softcap?: number;
  /**
   * float32, added to the scores after the cap: one of `[T, S]`, `[B, 1, T, S]`, `[1, H, T, S]`, `[B, H, T, S]`, such as
   * `attentionMask` and `alibiBias` give. No gradient flows into it.
   */
  readonly mask?: Tensor;
  /**
   * float32 `[H]`: one more logit a head, which takes part in the softmax and is dropped afterwards, so that a head can look
   * at nothing and the weights of a row sum to less than 1 (OpenAI 2025, "gpt-oss").
   */
  readonly sinks?: Tensor1D;
}

export interface DroppedAttentionOptions extends AttentionOptions {
  /** Which weights are dropped while training, as `dropout` drops them from `[B, H, T, S]`. */
  readonly dropout?: { readonly rate: number; readonly rng: Rng };
}

/**
 * `q kᵀ · scale + mask`, what {@link attentionWeights} takes the softmax of; without `sinks`, which take part there only.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H', S, D]`, H' dividing H
 * @returns float32 `[B, H, T, S]`; -1e9 where `causal` or `window` hide a key
 */
export function attentionScores(
  q: Tensor4D,
  k: Tensor4D,
  options: Omit<AttentionOptions, 'sinks'> = {},
): Tensor4D {
  return withGradient([q, k], (save) => {
    const scored = score(q, k, options);
    save(q, k, ...scored.saved);
    return {
      value: scored.scores,
      backward: (dy, [q, k, ...saved]) => scored.backward(dy, q as Tensor4D, k as Tensor4D, saved),
    };
  });
}

/**
 * `softmax(q kᵀ · scale + mask)`: how much each position looks at each other.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H', S, D]`: H' divides H, and query head h looks at key head `floor(h H' / H)` (Ainslie et al. 2023,
 *   "GQA")
 * @returns float32 `[B, H, T, S]`; each row sums to 1, or less with `sinks`
 */
export function attentionWeights(q: Tensor4D, k: Tensor4D, options: AttentionOptions = {}): Tensor4D {
  const { sinks } = options;
  return withGradient(sinks === undefined ? [q, k] : [q, k, sinks], (save) => {
    const scored = weigh(q, k, options);
    save(q, k, ...scored.saved);
    return {
      value: scored.weights,
      backward: (dy, [q, k, ...saved]) => scored.backward(dy, q as Tensor4D, k as Tensor4D, saved),
    };
  });
}

/**
 * What each position gathers from the values, given {@link attentionWeights}.
 *
 * @param weights float32 `[B, H, T, S]`
 * @param v float32 `[B, H', S, D]`, H' dividing H
 * @returns float32 `[B, H, T, D]`
 */
export function attend(weights: Tensor4D, v: Tensor4D): Tensor4D {
  const [b, h, t] = weights.shape;
  return reshape(matMul(grouped(weights, v.shape[1]), v), [b, h, t, v.shape[3]]);
}

/**
 * Scaled dot-product attention, `softmax(q kᵀ · scale + mask) v` (Vaswani et al. 2017, "Attention is all you need"), with
 * fewer key than query heads, a window, a soft cap, a mask or sinks where they are given.
 *
 * Kernels: `Attention` `{q, k, v}`, attributes `causal` and `scale` → `[out, logSumExp [B, H, T]]`; `AttentionGrad`
 * `{dy, q, k, v, out, logSumExp}` → `[dq, dk, dv]`: neither needs the matrix of all scores in memory, but a backend that is
 * faster with it may give the weights in the place of `logSumExp`. They are asked only where there are as many key as query
 * heads and no option beyond these two. `GeneralAttention` and `GeneralAttentionGrad` are asked in the other cases but sinks:
 * they take fewer key heads, one more input, `mask?`, and the attributes `window` and `softcap`, which are 0 for none;
 * `DropoutAttention` and `DropoutAttentionGrad`, besides these, the input `key` and the attributes of `Dropout`. The reference
 * keeps the matrix.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H', S, D]`, H' dividing H
 * @param v float32 `[B, H', S, D]`
 * @returns float32 `[B, H, T, D]`
 */
export function attention(
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  { dropout: dropped, ...options }: DroppedAttentionOptions = {},
): Tensor4D {
  const { causal = false, window, scale = q.shape[3] ** -0.5, softcap, mask, sinks } = options;
  const plain = q.shape[1] === k.shape[1] && [window, softcap, mask].every((option) => option === undefined);
  const kernel = dropped ? 'DropoutAttention' : plain ? 'Attention' : 'GeneralAttention';
  const fused = sinks === undefined && hasKernel(kernel);
  if (dropped && !fused) {
    return tidy(() => attend(dropout(attentionWeights(q, k, options), dropped.rate, dropped.rng), v));
  }
  return withGradient(sinks === undefined ? [q, k, v] : [q, k, v, sinks], (save) => {
    if (fused) {
      const general: NamedAttrMap =
        kernel === 'Attention' ? {} : { window: window ?? 0, softcap: softcap ?? 0 };
      const attrs = { causal, scale, ...general, ...(dropped && dropoutAttributes(dropped.rate)) };
      const key = dropped && dropoutKey(dropped.rng);
      const [out, logSumExp] = runKernel(kernel, { q, k, v, mask, key }, attrs);
      const optional = Object.entries({ mask, key }).filter(([, tensor]) => tensor !== undefined);
      save(q, k, v, out, logSumExp, ...optional.map(([, tensor]) => tensor as Tensor));
      return {
        value: out as Tensor4D,
        backward: (dy, [q, k, v, out, logSumExp, ...others]) => {
          const inputs = Object.fromEntries(optional.map(([name], i) => [name, others[i]]));
          return runKernel(`${kernel}Grad`, { dy, q, k, v, out, logSumExp, ...inputs }, attrs);
        },
      };
    }
    const scored = weigh(q, k, options);
    save(q, k, v, scored.weights, ...scored.saved);
    return {
      value: gather(scored.weights, v),
      backward: (dy, [q, k, v, weights, ...saved]) => {
        const heads = (k as Tensor4D).shape[1];
        const dRows = grouped(dy, heads); // [B, H', G T, D]
        const dWeights = product(dRows, v, { transposeB: true }); // [B, H', G T, S]
        const dv = product(grouped(weights as Tensor4D, heads), dRows, { transposeA: true });
        const [dq, dk, ...dSinks] = scored.backward(
          reshape(dWeights, (weights as Tensor4D).shape),
          q as Tensor4D,
          k as Tensor4D,
          saved,
        );
        return [dq, dk, dv, ...dSinks];
      },
    };
  });
}

/** The heads that share a key head side by side: `[B, H, T, X]` → `[B, H', G T, X]`, G = H / H'. Moves nothing. */
function grouped(x: Tensor4D, heads: number): Tensor4D {
  const [b, h, t, width] = x.shape;
  return h === heads ? x : reshape(x, [b, heads, (h / heads) * t, width]);
}

function gather(weights: Tensor4D, v: Tensor4D): Tensor4D {
  const [b, h, t] = weights.shape;
  return reshape(product<Tensor4D>(grouped(weights, v.shape[1]), v), [b, h, t, v.shape[3]]);
}

interface Weighed {
  readonly weights: Tensor4D;
  /** What `backward` reads, besides q and k. */
  readonly saved: Tensor[];
  /** The gradients of q, k and, where there are any, the sinks, given that of the weights. */
  backward(dWeights: Tensor4D, q: Tensor4D, k: Tensor4D, saved: readonly Tensor[]): Tensor[];
}

interface Scored {
  /** Capped and masked. */
  readonly scores: Tensor4D;
  readonly saved: Tensor[];
  /** The gradients of q and k, given that of the scores. */
  backward(dScores: Tensor, q: Tensor4D, k: Tensor4D, saved: readonly Tensor[]): Tensor[];
}

function score(q: Tensor4D, k: Tensor4D, options: AttentionOptions): Scored {
  const { scale = q.shape[3] ** -0.5, softcap } = options;
  const [b, h, t] = q.shape;
  const keyHeads = k.shape[1];
  const keyCount = k.shape[2];

  const products = product(grouped(q, keyHeads), k, { transposeB: true }); // [B, H', G T, S]
  let scores: Tensor = mul(reshape(products, [b, h, t, keyCount]), scale); // [B, H, T, S]
  if (softcap !== undefined) scores = mul(tanh(div(scores, softcap)), softcap);
  const capped = softcap === undefined ? [] : [scores];
  for (const mask of masksOf(t, keyCount, options)) scores = add(scores, mask);

  return {
    scores: scores as Tensor4D,
    saved: capped,
    backward: (dMasked, q, k, [capped]) => {
      let dScores = mul(dMasked, scale); // [B, H, T, S]
      if (softcap !== undefined) dScores = mul(dScores, sub(1, square(div(capped, softcap))));
      const dRows = grouped(dScores as Tensor4D, keyHeads); // [B, H', G T, S]
      const dq = reshape(product(dRows, k), q.shape);
      const dk = product(dRows, grouped(q, keyHeads), { transposeA: true }); // [B, H', S, D]
      return [dq, dk];
    },
  };
}

function weigh(q: Tensor4D, k: Tensor4D, options: AttentionOptions): Weighed {
  const { sinks } = options;
  const [b, h, t] = q.shape;
  const keyCount = k.shape[2];
  const scored = score(q, k, options);
  const { scores } = scored;

  let weights: Tensor4D;
  const sinkWeights: Tensor[] = []; // [B, H, T, 1]
  if (sinks === undefined) {
    weights = softmax(scores) as Tensor4D;
  } else {
    const column = tile(reshape(sinks, [1, h, 1, 1]), [b, 1, t, 1]); // [B, H, T, 1]
    const all = softmax(concat([scores, column], -1)) as Tensor4D; // [B, H, T, S + 1]
    weights = slice(all, [0, 0, 0, 0], [b, h, t, keyCount]);
    sinkWeights.push(slice(all, [0, 0, 0, keyCount], [b, h, t, 1]));
  }

  return {
    weights,
    saved: [weights, ...scored.saved, ...sinkWeights],
    backward: (dWeights, q, k, [weights, ...others]) => {
      const weighted = mul(dWeights, weights);
      const total = sum(weighted, -1, true); // [B, H, T, 1]
      const dScores = sub(weighted, mul(weights, total)); // [B, H, T, S]
      const grads = scored.backward(dScores, q, k, others);
      return sinks === undefined ? grads : [...grads, neg(sum(mul(others.at(-1)!, total), [0, 2, 3]))];
    },
  };
}

/** The masks to add: that which `causal` and `window` ask for, where it hides anything, and the caller's. */
function masksOf(
  queries: number,
  keys: number,
  { causal = false, window, mask }: AttentionOptions,
): Tensor[] {
  const given = mask === undefined ? [] : [mask];
  const all = Int32Array.from({ length: keys }, (_, s) => s);
  const own = causal ? attentionMask(all.subarray(keys - queries), all, { window }) : undefined;
  return own === undefined ? given : [own, ...given];
}
