import { describeOnBackends, expectClose } from '@minigpt/testing';
import * as tf from '@tensorflow/tfjs-core';
import { engine, memory, mul, ones, type Scalar, square, sum, type Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import {
  Context,
  checkpoint,
  dispose,
  freeze,
  Module,
  parameters,
  Rng,
  toHost,
  trainableParameters,
  valueAndGrads,
} from './index.ts';
import { Toy, ToyBlock } from './testing/toy.ts';

/** Blocks one after the other, each recomputed or not. */
class Stack extends Module {
  readonly h = [0, 1, 2, 3].map((i) => new ToyBlock(4, new Rng(8).fold(i)));
  readonly recompute: boolean;

  constructor(recompute: boolean) {
    super();
    this.recompute = recompute;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    return this.h.reduce((y, block, i) => {
      const at = ctx.at('h', i);
      return this.recompute ? checkpoint(block, y, at) : block.call(y, at);
    }, x);
  }
}

async function lossAndGrads(model: Module, run: (x: Tensor) => Tensor) {
  const x = ones([2, 4]);
  const { value, grads } = valueAndGrads(() => sum(square(run(x))) as Scalar, parameters(model));
  const onHost = new Map([['loss', await toHost(value)]]);
  for (const [name, gradient] of grads) onHost.set(name, await toHost(gradient));
  tf.dispose([x, value, ...grads.values()]);
  return onHost;
}

describeOnBackends('checkpoint', () => {
  for (const [mode, ctx] of [
    ['evaluation', Context.evaluation()],
    ['training, with its random masks', Context.training({ rng: new Rng(4) })],
  ] as const) {
    it(`gives the same loss and gradients bit for bit in ${mode}`, async () => {
      const before = memory().numTensors;
      const [kept, recomputed] = [new Stack(false), new Stack(true)];
      const expected = await lossAndGrads(kept, (x) => kept.call(x, ctx));
      expect(expected.size).toBe(5);
      expect(await lossAndGrads(recomputed, (x) => recomputed.call(x, ctx))).toEqual(expected);
      dispose(kept);
      dispose(recomputed);
      expect(memory().numTensors).toBe(before);
    });
  }

  it('nests: a recomputed block may hold recomputed blocks', async () => {
    const [kept, recomputed] = [new Stack(false), new Stack(true)];
    const ctx = Context.training({ rng: new Rng(4) });
    const expected = await lossAndGrads(kept, (x) => kept.call(x, ctx));
    expect(await lossAndGrads(recomputed, (x) => checkpoint(recomputed, x, ctx))).toEqual(expected);
    dispose(kept);
    dispose(recomputed);
  });

  it('adds up the gradients of a weight that is used inside and outside', async () => {
    const toy = new Toy({ width: 4 });
    const outside = (y: Tensor) => tf.matMul(y, toy.tied as Tensor);
    const expected = await lossAndGrads(toy, (x) => outside(toy.call(x)));
    const recomputed = await lossAndGrads(toy, (x) => outside(checkpoint(toy, x)));
    expect([...recomputed.keys()]).toEqual([...expected.keys()]);
    // The uses are summed up in another order, so the last bits differ.
    for (const [name, value] of expected) {
      await expectClose(recomputed.get(name)!, value, { absolute: 1e-6, relative: 1e-6 }, name);
    }
    dispose(toy);
  });

  it('keeps fewer tensors between the passes', () => {
    const alive = (recompute: boolean) => {
      const stack = new Stack(recompute);
      let between = 0;
      const { value, grads } = valueAndGrads(() => {
        const loss = sum(stack.call(ones([2, 4]))) as Scalar;
        between = engine().memory().numTensors;
        return loss;
      }, parameters(stack));
      tf.dispose([value, ...grads.values()]);
      dispose(stack);
      return between;
    };
    expect(alive(true)).toBeLessThan(alive(false));
  });

  it('leaves frozen parameters without a gradient', () => {
    const toy = new Toy({ width: 4 });
    freeze(toy, (name) => name !== 'bias');
    const { value, grads } = valueAndGrads(
      () => sum(mul(checkpoint(toy, ones([2, 4])), 2)) as Scalar,
      trainableParameters(toy),
    );
    expect([...grads.keys()]).toEqual(['bias']);
    tf.dispose([value, ...grads.values()]);
    dispose(toy);
  });
});
