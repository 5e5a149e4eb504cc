import { add, mul, softmax, sub, sum, type Tensor2D, type Tensor4D, tensor2d } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { matMul, product } from './mat-mul.ts';
import { withGradient } from './with-gradient.ts';

export interface AttentionOptions {
  /** Position t sees the keys up to its own only. With fewer queries than keys the queries are the last positions. */
  readonly causal?: boolean;
  /** What the scores are multiplied by; 1/√D unless told. */
  readonly scale?: number;
}

/** Added to a masked score: its exponential is exactly 0 in float32, and no backend makes NaN of it. */
const MASKED = -1e9;

/** float32 `[T, S]`: 0 where query t may see key s, {@link MASKED} elsewhere. */
function causalMask(queries: number, keys: number): Tensor2D {
  const values = new Float32Array(queries * keys);
  for (let t = 0; t < queries; t++) values.fill(MASKED, t * keys + keys - queries + t + 1, (t + 1) * keys);
  return tensor2d(values, [queries, keys]);
}

function weights(q: Tensor4D, k: Tensor4D, causal: boolean, scale: number): Tensor4D {
  const scores = mul(product(q, k, { transposeB: true }), scale); // [B, H, T, S]
  return softmax(causal ? add(scores, causalMask(q.shape[2], k.shape[2])) : scores) as Tensor4D;
}

/** The gradients of q and k, given that of the weights. */
function weightsBackward(
  dWeights: Tensor4D,
  weights: Tensor4D,
  q: Tensor4D,
  k: Tensor4D,
  scale: number,
): Tensor4D[] {
  const weighted = mul(dWeights, weights);
  const dScores = mul(sub(weighted, mul(weights, sum(weighted, -1, true))), scale); // [B, H, T, S]
  return [product(dScores, k), product(dScores, q, { transposeA: true })];
}

/**
 * `softmax(q kᵀ · scale + mask)`: how much each position looks at each other.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H, S, D]`
 * @returns float32 `[B, H, T, S]`; each row sums to 1
 */
export function attentionWeights(
  q: Tensor4D,
  k: Tensor4D,
  { causal = false, scale = q.shape[3] ** -0.5 }: AttentionOptions = {},
): Tensor4D {
  return withGradient([q, k], (save) => {
    const value = weights(q, k, causal, scale);
    save(q, k, value);
    return {
      value,
      backward: (dy, [q, k, value]) =>
        weightsBackward(dy, value as Tensor4D, q as Tensor4D, k as Tensor4D, scale),
    };
  });
}

/** What each position gathers from the values, given {@link attentionWeights}: `[B, H, T, S] · [B, H, S, D]`. */
export function attend(weights: Tensor4D, v: Tensor4D): Tensor4D {
  return matMul(weights, v);
}

/**
 * Scaled dot-product attention, `softmax(q kᵀ · scale + mask) v` (Vaswani et al. 2017, "Attention is all you need").
 *
 * Kernels: `Attention` `{q, k, v}`, attributes `causal` and `scale` → `[out, logSumExp [B, H, T]]`; `AttentionGrad`
 * `{dy, q, k, v, out, logSumExp}` → `[dq, dk, dv]`: neither needs the matrix of all scores in memory. The reference keeps it.
 *
 * @param q float32 `[B, H, T, D]`
 * @param k float32 `[B, H, S, D]`
 * @param v float32 `[B, H, S, D]`
 * @returns float32 `[B, H, T, D]`
 */
export function attention(
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  { causal = false, scale = q.shape[3] ** -0.5 }: AttentionOptions = {},
): Tensor4D {
  return withGradient([q, k, v], (save) => {
    if (hasKernel('Attention')) {
      const [out, logSumExp] = runKernel('Attention', { q, k, v }, { causal, scale });
      save(q, k, v, out, logSumExp);
      return {
        value: out as Tensor4D,
        backward: (dy, [q, k, v, out, logSumExp]) =>
          runKernel('AttentionGrad', { dy, q, k, v, out, logSumExp }, { causal, scale }),
      };
    }
    const probabilities = weights(q, k, causal, scale);
    save(q, k, v, probabilities);
    return {
      value: product(probabilities, v),
      backward: (dy, saved) => {
        const [q, k, v, probabilities] = saved as Tensor4D[];
        const dWeights = product<Tensor4D>(dy, v, { transposeB: true }); // [B, H, T, S]
        const dv = product<Tensor4D>(probabilities, dy, { transposeA: true });
        return [...weightsBackward(dWeights, probabilities, q, k, scale), dv];
      },
    };
  });
}
