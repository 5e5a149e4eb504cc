import '@tensorflow/tfjs-backend-cpu';
import { parameter } from '@minigpt/core';
import { withGradient } from '@minigpt/ops';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { expectFiniteDifferences } from './index.ts';

/** x³ with a gradient that is `factor` times the true one. */
const cube = (x: tf.Tensor, factor: number) =>
  withGradient([x], (save) => {
    save(x);
    return {
      value: tf.mul(x, tf.square(x)),
      backward: (dy, [x]) => [tf.mul(dy, tf.mul(tf.square(x), 3 * factor))],
    };
  });

it('accepts a right gradient, finds one that is off by a ten-thousandth, and puts values back', () => {
  const before = tf.memory().numTensors;
  const x = parameter(tf.tensor1d([0.5, -1, 2]));
  const variables = new Map([['x', x]]);
  expectFiniteDifferences(() => cube(x, 1), variables);
  expect(() => expectFiniteDifferences(() => cube(x, 1.0001), variables)).toThrow('d/dx[');
  expectFiniteDifferences(() => cube(x, 1), variables);
  expect(Array.from(x.dataSync())).toEqual([0.5, -1, 2]);
  x.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
