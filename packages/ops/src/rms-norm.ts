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

export interface RmsNormOptions {
  /** Added to the mean square, under the root. */
  readonly eps?: number;
}

/**
 * `y = x / sqrt(mean(x²) + eps) * weight` over the last dimension (Zhang & Sennrich 2019, "Root mean square layer
 * normalization").
 *
 * Kernels: `RMSNorm` `{x, weight}` → `[y, rstd]`; `RMSNormGrad` `{dy, x, weight, rstd}` → `[dx, dWeight]`; rows `[N, C]`,
 * `rstd` `[N, 1]`.
 *
 * @param x float32 `[..., C]`
 * @param weight float32 `[C]`
 * @returns float32 `[..., C]`
 */
export function rmsNorm<T extends Tensor>(x: T, weight: Tensor1D, { eps = 1e-5 }: RmsNormOptions = {}): T {
  return withGradient([x, weight], (save) => {
    const fused = hasKernel('RMSNorm');
    const rows = toRows(x); // [N, C]
    const [y, rstd] = fused ? runKernel('RMSNorm', { x: rows, weight }, { eps }) : forward(rows, weight, eps);
    save(x, weight, rstd);
    return {
      value: reshape(y, x.shape) as T,
      backward: (dy, [x, weight, rstd]) => {
        const inputs = { dy: toRows(dy), x: toRows(x), weight, rstd };
        const [dx, dWeight] = fused ? runKernel('RMSNormGrad', inputs) : backward(inputs);
        return [reshape(dx, x.shape), dWeight];
      },
    };
  });
}

function forward(x: Tensor, weight: Tensor, eps: number): Tensor[] {
  const rstd = rsqrt(add(mean(square(x), -1, true), eps)); // [N, 1]
  return [mul(mul(x, rstd), weight), rstd];
}

function backward({ dy, x, weight, rstd }: Record<'dy' | 'x' | 'weight' | 'rstd', Tensor>): Tensor[] {
  const normalized = mul(x, rstd);
  const dNormalized = mul(dy, weight);
  const along = mean(mul(dNormalized, normalized), -1, true); // [N, 1]
  return [mul(sub(dNormalized, mul(normalized, along)), rstd), sum(mul(dy, normalized), 0)];
}
