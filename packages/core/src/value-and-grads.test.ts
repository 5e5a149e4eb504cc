import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { freeze, Module, parameter, parameters, valueAndGrads } from './index.ts';

class Pair extends Module {
  readonly a = parameter(tf.tensor1d([1, 2]));
  readonly b = parameter(tf.tensor1d([3, 4]));
  readonly unused = parameter(tf.tensor1d([5]));

  protected override forward(): tf.Tensor {
    return tf.mul(this.a, this.b);
  }
}

const loss = (pair: Pair) => () => tf.sum(pair.call(tf.scalar(0))) as tf.Scalar;

it('gives the value and the gradients by name, and nothing for what the loss does not use', () => {
  const before = tf.memory().numTensors;
  const pair = new Pair();
  const { value, grads } = valueAndGrads(loss(pair), parameters(pair));
  expect(value.dataSync()[0]).toBe(11);
  expect([...grads].map(([name, g]) => [name, Array.from(g.dataSync())])).toEqual([
    ['a', [3, 4]],
    ['b', [1, 2]],
  ]);
  tf.dispose([value, ...grads.values(), ...parameters(pair).values()]);
  expect(tf.memory().numTensors).toBe(before);
});

it('skips frozen parameters', () => {
  const pair = new Pair();
  freeze(pair, (name) => name === 'a');
  const { value, grads } = valueAndGrads(loss(pair), parameters(pair));
  expect([...grads.keys()]).toEqual(['b']);
  tf.dispose([value, ...grads.values(), ...parameters(pair).values()]);
});
