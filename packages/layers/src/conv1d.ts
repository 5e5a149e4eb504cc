import { Module, parameter, type Rng } from '@minigpt/core';
import { conv1d } from '@minigpt/ops';
import type { Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { type Initializer, normal, zeros } from './initializers.ts';

export interface Conv1DOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias?: boolean;
  /** Default N(0, 0.02²), GPT-2's. */
  readonly weightInit?: Initializer;
  readonly rng: Rng;
}

/**
 * `y = x W + b`; float32 `[..., inFeatures]` → `[..., outFeatures]`. GPT-2's name for a linear layer whose weight is kept as
 * `[inFeatures, outFeatures]`; its checkpoints store it so.
 */
export class Conv1D extends Module {
  readonly weight: Variable;
  readonly bias?: Variable;

  constructor({ inFeatures, outFeatures, bias = true, weightInit = normal(0.02), rng }: Conv1DOptions) {
    super();
    this.weight = parameter(weightInit([inFeatures, outFeatures], rng.fold('weight')));
    if (bias) this.bias = parameter(zeros([outFeatures]));
  }

  protected override forward(x: Tensor): Tensor {
    return conv1d(x, this.weight as Tensor as Tensor2D, this.bias as Tensor as Tensor1D | undefined);
  }
}
