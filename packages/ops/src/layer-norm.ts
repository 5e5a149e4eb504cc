import {
  add,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { toRows } from './linear.ts';
import { withGradient } from './with-gradient.ts';

export interface LayerNormOptions {
  /** Added to the variance, under the root. */
  readonly eps?: number;
}

/**
 * `y = (x - mean) / sqrt(var + eps) * weight + bias` over the last dimension, with the biased variance
 * (Ba, Kiros, Hinton 2016, "Layer normalization").
 *
 * Kernels: `LayerNorm` `{x, weight, bias?}` → `[y, mean, rstd]`; `LayerNormGrad` `{dy, x, weight, mean, rstd}` →
 * `[dx, dWeight, dBias]`; rows `[N, C]`, statistics `[N, 1]`.
 *
 * @param x float32 `[..., C]`
 * @param weight float32 `[C]`
 * @param bias float32 `[C]`
 * @returns float32 `[..., C]`
 */
export function layerNorm<T extends Tensor>(
  x: T,
  weight: Tensor1D,
  bias?: Tensor1D,
  { eps = 1e-5 }: LayerNormOptions = {},
): T {
  return withGradient(bias === undefined ? [x, weight] : [x, weight, bias], (save) => {
    const fused = hasKernel('LayerNorm');
    const rows = toRows(x); // [N, C]
    const [y, mu, rstd] = fused
      ? runKernel('LayerNorm', { x: rows, weight, bias }, { eps })
      : forward(rows, weight, bias, eps);
    save(x, weight, mu, rstd);
    return {
      value: reshape(y, x.shape) as T,
      backward: (dy, [x, weight, mu, rstd]) => {
        const inputs = { dy: toRows(dy), x: toRows(x), weight, mean: mu, rstd };
        const [dx, dWeight, dBias] = fused ? runKernel('LayerNormGrad', inputs) : backward(inputs);
        const grads = [reshape(dx, x.shape), dWeight];
        return bias === undefined ? grads : [...grads, dBias];
      },
    };
  });
}

function forward(x: Tensor, weight: Tensor, bias: Tensor | undefined, eps: number): Tensor[] {
  const mu = mean(x, -1, true); // [N, 1]
  const centered = sub(x, mu);
  const rstd = rsqrt(add(mean(square(centered), -1, true), eps)); // [N, 1]
  const scaled = mul(mul(centered, rstd), weight);
  return [bias === undefined ? scaled : add(scaled, bias), mu, rstd];
}

function backward({
  dy,
  x,
  weight,
  mean: mu,
  rstd,
}: Record<'dy' | 'x' | 'weight' | 'mean' | 'rstd', Tensor>) {
  const normalized = mul(sub(x, mu), rstd);
  const dNormalized = mul(dy, weight);
  const along = mean(mul(dNormalized, normalized), -1, true); // [N, 1]
  const centered = sub(sub(dNormalized, mean(dNormalized, -1, true)), mul(normalized, along));
  return [mul(centered, rstd), sum(mul(dy, normalized), 0), sum(dy, 0)];
}
