import { type Context, Module, parameter } from '@minigpt/core';
import { layerNorm } from '@minigpt/ops';
import {
  add,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ones, zeros } from './initializers.ts';

export interface LayerNormOptions {
  /** C: the width of the last dimension. */
  readonly size: number;
  readonly bias?: boolean;
  /** Added to the variance, under the root. */
  readonly eps?: number;
}

/**
 * Zero mean and unit variance over the last dimension, then a learned scale and shift; see `layerNorm` in `@minigpt/ops`. A tap
 * sees, and may replace, `1 / sqrt(var + eps)`, `[..., 1]`, under `rstd`.
 */
export class LayerNorm extends Module {
  readonly weight: Variable;
  readonly bias?: Variable;
  readonly eps: number;

  constructor({ size, bias = true, eps = 1e-5 }: LayerNormOptions) {
    super();
    this.weight = parameter(ones([size]));
    if (bias) this.bias = parameter(zeros([size]));
    this.eps = eps;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const { weight, bias, eps } = this;
    if (!ctx.observes('rstd')) {
      return layerNorm(x, weight as Tensor as Tensor1D, bias as Tensor as Tensor1D | undefined, { eps });
    }
    const centered = sub(x, mean(x, -1, true));
    const rstd = ctx.observe(rsqrt(add(mean(square(centered), -1, true), eps)), 'rstd'); // [..., 1]
    const scaled = mul(mul(centered, rstd), weight);
    return bias === undefined ? scaled : add(scaled, bias);
  }
}
