import type { TensorHandle } from '../binding.ts';
import type { RawKernel } from './raw-kernel.ts';
import type { RawOps } from './raw-ops.ts';

/** Added to the score of a key that is not to be seen: its exponential is exactly 0 in float32. */
const MASKED = -1e9;

/** float32 `[T, S]`: the queries are the last T of the S positions, and see the keys up to their own. */
function causalMask(ops: RawOps, queries: number, keys: number): TensorHandle {
  const mask = new Float32Array(queries * keys);
  for (let t = 0; t < queries; t++) mask.fill(MASKED, t * keys + keys - queries + t + 1, (t + 1) * keys);
  return ops.floats(mask, [queries, keys]);
}

/** q, k, v `[B, H, T or S, D]`. The weights `[B, H, T, S]` are kept for the gradient. */
export const attentionKernels: Readonly<Record<string, RawKernel>> = {
  Attention: (ops, { q, k, v }, { causal, scale }) => {
    const [queries, keys] = [q.shape[2], k.shape[2]];
    const scores = ops.matMul(ops.mul(q, ops.floats(scale as number)), k, false, true); // [B, H, T, S]
    const visible = causal && queries > 1 ? ops.add(scores, causalMask(ops, queries, keys)) : scores;
    const weights = ops.softmax(visible);
    return [ops.matMul(weights, v), weights];
  },

  AttentionGrad: (ops, { dy, q, k, v, logSumExp: weights }, { scale }) => {
    const dv = ops.matMul(weights, dy, true); // [B, H, S, D]
    const dWeights = ops.matMul(dy, v, false, true); // [B, H, T, S]
    const total = ops.sum(ops.mul(dWeights, weights), 'last', true); // [B, H, T, 1]
    const dScores = ops.mul(ops.sub(dWeights, total), weights);
    const factor = ops.floats(scale as number);
    const dq = ops.mul(ops.matMul(dScores, k), factor);
    const dk = ops.matMul(dScores, ops.mul(q, factor), true);
    return [dq, dk, dv];
  },
};
