import { add, matMul, mul, type Tensor, tanh, tensor, type Variable } from '@tensorflow/tfjs-core';
import { type Context, Module, parameter, Rng } from '../index.ts';

/** `tanh(x w) * mask`, with a random mask while training; for the tests of this package. */
export class ToyBlock extends Module {
  readonly weight: Variable;
  readonly width: number;

  constructor(width: number, rng: Rng) {
    super();
    this.width = width;
    this.weight = parameter(tensor(rng.normal(width * width), [width, width]));
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = tanh(matMul(x, this.weight as Tensor));
    if (!ctx.training) return hidden;
    const mask = ctx.rng.uniform(x.size).map((draw) => (draw < 0.3 ? 0 : 1 / 0.7));
    return mul(hidden, tensor(mask, x.shape));
  }
}

/** Blocks in a list, one on its own, and a second name for the first one's weight. */
export class Toy extends Module {
  readonly h: ToyBlock[];
  readonly last: ToyBlock;
  readonly bias: Variable;
  readonly tied: Variable;

  constructor({ width = 3, rng = new Rng(0) }: { readonly width?: number; readonly rng?: Rng } = {}) {
    super();
    this.h = [0, 1].map((i) => new ToyBlock(width, rng.fold('h').fold(i)));
    this.last = new ToyBlock(width, rng.fold('last'));
    this.bias = parameter(tensor(rng.fold('bias').normal(width), [width]));
    this.tied = this.h[0].weight;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    let y = x;
    for (const [i, block] of this.h.entries()) y = block.call(y, ctx.at('h', i));
    return add(matMul(this.last.call(y, ctx.at('last')), this.tied as Tensor), this.bias as Tensor);
  }
}
