import { firstValue, type Rng } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';

/** Makes the first value of a parameter, float32, from its shape and the key of its place. */
export type Initializer = (shape: number[], rng: Rng) => tf.Tensor;

export const zeros = (shape: number[]): tf.Tensor => firstValue(shape, () => tf.zeros(shape));

export const ones = (shape: number[]): tf.Tensor => firstValue(shape, () => tf.ones(shape));

/** N(0, std²). */
export function normal(std: number): Initializer {
  return (shape, rng) =>
    firstValue(shape, () => {
      const values = rng.normal(tf.util.sizeFromShape(shape));
      return tf.tensor(
        values.map((value) => value * std),
        shape,
      );
    });
}

/** U(-bound, bound). */
export function uniform(bound: number): Initializer {
  return (shape, rng) =>
    firstValue(shape, () => {
      const values = rng.uniform(tf.util.sizeFromShape(shape));
      return tf.tensor(
        values.map((value) => (2 * value - 1) * bound),
        shape,
      );
    });
}
