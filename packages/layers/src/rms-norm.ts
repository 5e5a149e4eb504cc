import { type Context, Module, parameter } from '@minigpt/core';
import { rmsNorm } from '@minigpt/ops';
import {
  add,
  mean,
  mul,
  rsqrt,
  square,
  type Tensor,
  type Tensor1D,
  type Variable,
} from '@tensorflow/tfjs-core';
import { ones, zeros } from './initializers.ts';

export interface RMSNormOptions {
  /** C: the width of the last dimension. */
  readonly size: number;
  /** Added to the mean square, under the root. */
  readonly eps?: number;
  /** Multiply by 1 + weight, so that the weight starts at 0, as Gemma does. */
  readonly unitOffset?: boolean;
}

/**
 * Unit root mean square over the last dimension, then a learned scale; see `rmsNorm` in `@minigpt/ops`. A tap sees, and may
 * replace, `1 / sqrt(mean(x²) + eps)`, `[..., 1]`, under `rstd`.
 */
export class RMSNorm extends Module {
  readonly weight: Variable;
  readonly eps: number;
  readonly unitOffset: boolean;

  constructor({ size, eps = 1e-5, unitOffset = false }: RMSNormOptions) {
    super();
    this.weight = parameter(unitOffset ? zeros([size]) : ones([size]));
    this.eps = eps;
    this.unitOffset = unitOffset;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const { eps } = this;
    const weight = this.unitOffset ? add(this.weight, 1) : this.weight;
    if (!ctx.observes('rstd')) return rmsNorm(x, weight as Tensor as Tensor1D, { eps });
    const rstd = ctx.observe(rsqrt(add(mean(square(x), -1, true), eps)), 'rstd'); // [..., 1]
    return mul(mul(x, rstd), weight);
  }
}
