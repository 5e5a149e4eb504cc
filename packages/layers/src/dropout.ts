import { type Context, Module } from '@minigpt/core';
import { dropout } from '@minigpt/ops';
import type { Tensor } from '@tensorflow/tfjs-core';

export interface DropoutOptions {
  /** The probability that an element is zeroed, in [0, 1). */
  readonly rate: number;
}

/** Zeroes elements at random while training, and nothing otherwise; any shape, float32. The mask depends on the context's key. */
export class Dropout extends Module {
  readonly rate: number;

  constructor({ rate }: DropoutOptions) {
    super();
    this.rate = rate;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    return ctx.training && this.rate > 0 ? dropout(x, this.rate, ctx.rng) : x;
  }
}
