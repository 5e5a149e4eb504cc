import { Module, parameter } from '@minigpt/core';
import { rmsNorm } from '@minigpt/ops';
import { ones, type Tensor, type Tensor1D, type Variable } from '@tensorflow/tfjs-core';

export interface RMSNormOptions {
  /** C: the width of the last dimension. */
  readonly size: number;
  /** Added to the mean square, under the root. */
  readonly eps?: number;
}

/** Unit root mean square over the last dimension, then a learned scale; see `rmsNorm` in `@minigpt/ops`. */
export class RMSNorm extends Module {
  readonly weight: Variable;
  readonly eps: number;

  constructor({ size, eps = 1e-5 }: RMSNormOptions) {
    super();
    this.weight = parameter(ones([size]));
    this.eps = eps;
  }

  protected override forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight as Tensor as Tensor1D, { eps: this.eps });
  }
}
