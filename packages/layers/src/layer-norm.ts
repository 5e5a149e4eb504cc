import { Module, parameter } from '@minigpt/core';
import { layerNorm } from '@minigpt/ops';
import type { Tensor, Tensor1D, Variable } from '@tensorflow/tfjs-core';
import { ones, zeros } from './initializers.ts';

export interface LayerNormOptions {
  /** C: the width of the last dimension. */
  readonly size: number;
  readonly bias?: boolean;
  /** Added to the variance, under the root. */
  readonly eps?: number;
}

/** Zero mean and unit variance over the last dimension, then a learned scale and shift; see `layerNorm` in `@minigpt/ops`. */
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

  protected override forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return layerNorm(x, weight as Tensor as Tensor1D, bias as Tensor as Tensor1D | undefined, { eps });
  }
}
