import { type Context, Module, type Rng } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type ActivationName, activations } from './activations.ts';
import { Conv1D } from './conv1d.ts';
import { Dropout } from './dropout.ts';
import { type Initializer, normal } from './initializers.ts';

export interface MLPOptions {
  /** C: width in and out. */
  readonly nEmbd: number;
  /** Width between the two layers; 4 C unless told. */
  readonly nInner?: number;
  readonly activation?: ActivationName;
  readonly bias?: boolean;
  readonly dropout?: number;
  readonly weightInit?: Initializer;
  /** Of the second layer, whose output is added to the residual stream. */
  readonly projectionInit?: Initializer;
  readonly rng: Rng;
}

/** GPT-2's feed-forward block, `c_proj(activation(c_fc(x)))`; float32 `[..., C]` → `[..., C]`. */
export class MLP extends Module {
  readonly c_fc: Conv1D;
  readonly c_proj: Conv1D;
  readonly dropout: Dropout;
  readonly activation: ActivationName;

  constructor({
    nEmbd,
    nInner = 4 * nEmbd,
    activation = 'gelu_new',
    bias = true,
    dropout = 0,
    weightInit = normal(0.02),
    projectionInit = weightInit,
    rng,
  }: MLPOptions) {
    super();
    this.c_fc = new Conv1D({
      inFeatures: nEmbd,
      outFeatures: nInner,
      bias,
      weightInit,
      rng: rng.fold('c_fc'),
    });
    this.c_proj = new Conv1D({
      inFeatures: nInner,
      outFeatures: nEmbd,
      bias,
      weightInit: projectionInit,
      rng: rng.fold('c_proj'),
    });
    this.dropout = new Dropout({ rate: dropout });
    this.activation = activation;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = activations[this.activation](this.c_fc.call(x, ctx.at('c_fc'))); // [..., 4C]
    const out = this.c_proj.call(ctx.observe(hidden, 'hidden'), ctx.at('c_proj')); // [..., C]
    return this.dropout.call(out, ctx.at('dropout'));
  }
}
