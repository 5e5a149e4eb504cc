import { Context, dispose as disposeModel, parameters, type TokenBatch, valueAndGrads } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import { dispose, memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { accumulateGrads } from './accumulate-grads.ts';
import { batchLoss } from './batch-loss.ts';
import { clipGradsByGlobalNorm, globalNorm } from './clip-grads.ts';
import { TinyModel } from './testing/tiny-model.ts';

const values = (variable: Tensor) => Array.from(variable.dataSync());

const halves: TokenBatch[] = [
  { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 4), shape: [1, 4] },
  { inputs: Int32Array.of(6, 5, 0, 0), targets: Int32Array.of(5, 0, 0, 6), shape: [1, 4] },
];
const whole: TokenBatch = {
  inputs: Int32Array.of(0, 1, 2, 3, 6, 5, 0, 0),
  targets: Int32Array.of(1, 2, 3, 4, 5, 0, 0, 6),
  shape: [2, 4],
};

describeOnBackends('gradients', () => {
  it('of micro-batches add up to those of one large batch', () => {
    const before = memory().numTensors;
    const model = new TinyModel();
    const loss = (batch: TokenBatch) => batchLoss(model, () => batch, Context.evaluation()).loss;
    const one = valueAndGrads(() => loss(whole), parameters(model));
    const two = accumulateGrads((index) => loss(halves[index]), parameters(model), 2);
    expect(values(two.value)[0]).toBeCloseTo(values(one.value)[0], 6);
    expect([...two.grads.keys()]).toEqual([...one.grads.keys()]);
    for (const [name, grad] of one.grads) {
      const sums = values(two.grads.get(name) as Tensor);
      for (const [i, expected] of values(grad).entries())
        expect(Math.abs(sums[i] - expected)).toBeLessThan(1e-7);
    }
    dispose([one.value, two.value, ...one.grads.values(), ...two.grads.values()]);
    disposeModel(model);
    expect(memory().numTensors).toBe(before);
  });

  it('that fail half-way leave no tensor behind', () => {
    const model = new TinyModel();
    const before = memory().numTensors;
    const loss = (index: number) => {
      if (index === 1) throw new Error('no more data');
      return batchLoss(model, () => whole, Context.evaluation()).loss;
    };
    expect(() => accumulateGrads(loss, parameters(model), 2)).toThrow('no more data');
    expect(memory().numTensors).toBe(before);
    disposeModel(model);
  });

  it('are shortened together to the norm allowed, and left when they are shorter', () => {
    const grads = new Map<string, Tensor>([
      ['a', tensor([3])],
      ['b', tensor([[0], [4]])],
    ]);
    const before = memory().numTensors;
    const long = clipGradsByGlobalNorm(grads, 1);
    expect(values(long.norm)).toEqual([5]);
    expect(values(long.grads.get('a') as Tensor)[0]).toBeCloseTo(0.6, 6);
    expect(values(long.grads.get('b') as Tensor)[1]).toBeCloseTo(0.8, 6);
    const short = clipGradsByGlobalNorm(grads, 6);
    expect([...short.grads.values()].flatMap(values)).toEqual([3, 0, 4]);
    const norm = globalNorm(grads);
    expect(values(norm)).toEqual([5]);
    dispose([norm, long.norm, short.norm, ...long.grads.values(), ...short.grads.values()]);
    expect(memory().numTensors).toBe(before);
    dispose([...grads.values()]);
  });
});
