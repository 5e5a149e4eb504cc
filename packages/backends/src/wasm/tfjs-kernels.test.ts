import { backendCompiler, feed, fromHost, type HostTensor, Rng, toHost } from '@minigpt/core';
import { expectClose, randomNormal, startBackend } from '@minigpt/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { start } from '../wasm.ts';

type Shape = readonly number[];
type Operation = readonly [f: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[], ...shapes: Shape[]];

const asIntegers = (x: tf.Tensor) => tf.cast(tf.mul(x, 3), 'int32');

/** Shapes that are multiples of nothing, broadcast in every place, some beyond a unit of 4096 elements. */
const pairs: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[5], []],
  [[], [2, 3]],
  [
    [3, 5],
    [3, 5],
  ],
  [[2, 3, 7], [7]],
  [
    [2, 3, 7],
    [3, 1],
  ],
  [
    [2, 1, 3, 5],
    [4, 3, 1],
  ],
  [
    [70, 130],
    [70, 130],
  ],
  [[9001], [1]],
];

const both = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Operation[] =>
  pairs.map((shapes) => [f, ...shapes]);

const cases: Readonly<Record<string, readonly Operation[]>> = {
  'add, subtract, multiply, divide': [tf.add, tf.sub, tf.mul, tf.div].flatMap((f) => both((a, b) => f(a, b))),
  'minimum, maximum': [...both((a, b) => tf.minimum(a, b)), ...both((a, b) => tf.maximum(a, b))],
  integers: [tf.add, tf.sub, tf.mul].flatMap((f) => both((a, b) => f(asIntegers(a), asIntegers(b)))),
  comparisons: [tf.equal, tf.notEqual, tf.less, tf.lessEqual, tf.greater, tf.greaterEqual].flatMap((f) => [
    ...both((a, b) => tf.cast(f(a, b), 'float32')),
    ...both((a, b) => tf.cast(f(asIntegers(a), asIntegers(b)), 'int32')),
  ]),
  'and, or': [tf.logicalAnd, tf.logicalOr].flatMap((f) =>
    both((a, b) => tf.cast(f(tf.greater(a, 0), tf.less(b, 0)), 'float32')),
  ),
  'functions of one tensor': [tf.neg, tf.abs, tf.square, tf.relu, tf.sigmoid, tf.tanh, tf.reciprocal].flatMap(
    (f): Operation[] => [
      [(x) => f(x), [3, 7]],
      [(x) => f(x), [9001]],
    ],
  ),
  roots: [
    [(x) => tf.sqrt(tf.square(x)), [3, 7]],
    [(x) => tf.rsqrt(tf.square(x)), [3, 7]],
  ],
  'sum, mean, max, min': [tf.sum, tf.mean, tf.max, tf.min].flatMap((f): Operation[] => [
    [(x) => f(x), [3, 70]],
    [(x) => f(x, -1), [3, 4, 71]],
    [(x) => f(x, -1, true), [33, 5]],
    [(x) => f(x, 0), [7, 70]],
    [(x) => f(x, [1, 2]), [3, 4, 5, 6]],
  ]),
  'sums of integers': [[(x) => tf.sum(asIntegers(x), 1), [3, 4, 5]]],
  softmax: [
    [(x) => tf.softmax(x), [5]],
    [(x) => tf.softmax(x), [2, 17, 9]],
  ],
  slice: [
    [(x) => tf.slice(x, [1], [3]), [7]],
    [(x) => tf.slice(x, [0, 1, 2, 0], [2, -1, 1, 3]), [2, 3, 4, 5]],
  ],
  'split, unstack': [
    [(x) => tf.split(x, 3, -1), [2, 5, 9]],
    [(x) => tf.split(x, [2, 1, 4], 1), [3, 7, 2]],
    [(x) => tf.unstack(x, 1), [3, 4, 5]],
    [(x) => tf.unstack(x, -1), [3, 4]],
  ],
  'concat, stack': [
    [(...x) => tf.concat(x, -1), [2, 3], [2, 1], [2, 4]],
    [(...x) => tf.concat(x, 1), [2, 3, 5, 2], [2, 4, 5, 2]],
    [(...x) => tf.stack(x), [], []],
    [(...x) => tf.stack(x, 2), [2, 3], [2, 3]],
  ],
  pad: [
    [
      (x) =>
        tf.pad(x, [
          [0, 0],
          [0, 0],
        ]),
      [3, 4],
    ],
    [
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [2, 3],
          ],
          0.5,
        ),
      [3, 4],
    ],
  ],
  tile: [
    [(x) => tf.tile(x, [1, 3]), [4, 1]],
    [(x) => tf.tile(x, [2, 3]), [4, 5]],
    [(x) => tf.tile(x, [2, 1, 3, 1]), [1, 4, 1, 2]],
  ],
  transpose: [
    [(x) => tf.transpose(x), [3, 5]],
    [(x) => tf.transpose(x, [0, 2, 1, 3]), [2, 3, 5, 4]],
    [(x) => tf.transpose(x, [3, 1, 0, 2]), [2, 3, 5, 4]],
    [(x) => tf.transpose(x, [0, 2, 1]), [1, 70, 33]],
  ],
  scatter: [
    [(x, y) => tf.tensorScatterUpdate(x, tf.tensor2d([2, 0], [2, 1], 'int32'), y), [4, 3], [2, 3]],
    [(x, y) => tf.tensorScatterUpdate(x, tf.tensor2d([0, 2, 1, 1], [2, 2], 'int32'), y), [2, 3, 5], [2, 5]],
  ],
  gather: [
    [(x) => tf.gather(x, tf.add(tf.zeros([2, 3], 'int32'), tf.tensor1d([0, 4, 2], 'int32'))), [5, 7]],
    [(x, i) => tf.gather(x, tf.cast(tf.mul(tf.abs(tf.tanh(i)), 5), 'int32')), [5, 3, 2], [40]],
  ],
};

/** What an operation gives, on the current backend. */
function outputsOf(
  [f]: Operation,
  inputs: readonly HostTensor[],
  make: (host: HostTensor) => tf.Tensor,
): tf.Tensor[] {
  return tf.tidy(() => {
    const outputs = f(...inputs.map(make));
    return Array.isArray(outputs) ? outputs : [outputs];
  });
}

async function read(outputs: readonly tf.Tensor[]): Promise<HostTensor[]> {
  const values = await Promise.all(outputs.map((output) => toHost(output)));
  tf.dispose([...outputs]);
  return values;
}

describe("kernels that take the place of tfjs's on wasm", () => {
  for (const [name, operations] of Object.entries(cases)) {
    it(`give what cpu gives, as they are and compiled: ${name}`, async () => {
      const inputs = operations.map(([, ...shapes]) =>
        shapes.map((shape, i) => randomNormal(shape, new Rng(4).fold(i))),
      );
      await startBackend('cpu');
      const expected: HostTensor[][] = [];
      for (const [i, operation] of operations.entries()) {
        expected.push(await read(outputsOf(operation, inputs[i], fromHost)));
      }
      await start({ threads: 1 });
      for (const [i, operation] of operations.entries()) {
        const before = tf.memory().numTensors;
        const plain = await read(outputsOf(operation, inputs[i], fromHost));
        const compiled = backendCompiler()!(() =>
          outputsOf(operation, inputs[i], (host) => feed(() => host)),
        );
        compiled.trace();
        const replayed = await read(compiled.run());
        compiled.dispose();
        expect(tf.memory().numTensors).toBe(before);
        for (const [j, value] of expected[i].entries()) {
          const what = `output ${j} for ${inputs[i].map(({ shape }) => `[${shape}]`)}`;
          expect(replayed[j], what).toEqual(plain[j]);
          await expectClose(fromHost(plain[j]), value, { absolute: 1e-6, relative: 1e-6 }, what);
        }
      }
    });
  }
});
