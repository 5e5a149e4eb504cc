import { Module, parameter, type Rng } from '@minigpt/core';
import { linear } from '@minigpt/ops';
import type { Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { type Initializer, uniform } from './initializers.ts';

export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias?: boolean;
  /** Default U(±1/√inFeatures), PyTorch's. */
  readonly weightInit?: Initializer;
  /** Default U(±1/√inFeatures), PyTorch's. */
  readonly biasInit?: Initializer;
  readonly rng: Rng;
}

/** `y = x Wᵀ + b`; float32 `[..., inFeatures]` → `[..., outFeatures]`. Weight `[outFeatures, inFeatures]`, as PyTorch's. */
export class Linear extends Module {
  readonly weight: Variable;
  readonly bias?: Variable;

  constructor({ inFeatures, outFeatures, bias = true, rng, ...inits }: LinearOptions) {
    super();
    const { weightInit = uniform(inFeatures ** -0.5), biasInit = uniform(inFeatures ** -0.5) } = inits;
    this.weight = parameter(weightInit([outFeatures, inFeatures], rng.fold('weight')));
    if (bias) this.bias = parameter(biasInit([outFeatures], rng.fold('bias')));
  }

  protected override forward(x: Tensor): Tensor {
    return linear(x, this.weight as Tensor as Tensor2D, this.bias as Tensor as Tensor1D | undefined);
  }
}
