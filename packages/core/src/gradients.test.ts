import { describeOnBackends, expectFiniteDifferences, randomNormal } from '@minigpt/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { differentiableKernels } from './gradients.ts';
import { fromHost, parameter, Rng } from './index.ts';

interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Where the inputs lie: away from kinks and poles. */
  readonly at?: 'positive' | 'apart';
}

const vector = (f: Case['f'], at?: Case['at']): Case[] => [{ shapes: [[7]], f, at }];

/** A function of two tensors: same shapes, each side broadcast, and a scalar. */
const pair = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, at?: Case['at']): Case[] =>
  [
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 1, 3],
      [4, 1],
    ],
    [[3], [2, 3]],
    [[], [2, 2]],
  ].map((shapes) => ({ shapes, f, at }));

const reduction = (f: (x: tf.Tensor, axis?: number | number[], keep?: boolean) => tf.Tensor): Case[] =>
  [
    (x: tf.Tensor) => f(x),
    (x: tf.Tensor) => f(x, 1),
    (x: tf.Tensor) => f(x, [0, -1]),
    (x: tf.Tensor) => f(x, -1, true),
  ].map((over) => ({ shapes: [[2, 3, 4]], f: over, at: 'apart' as const }));

const square = (x: tf.Tensor) => tf.square(x);

const matMuls = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    [[], [2], [2, 3]].map((batch) => ({
      shapes: [
        [...batch, ...(transposeA ? [4, 3] : [3, 4])],
        [...batch, ...(transposeB ? [2, 4] : [4, 2])],
      ],
      f: (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, transposeA, transposeB),
    })),
  ),
);

/** Every kernel that has a gradient here, with functions that run it. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  [tf.Abs]: vector((x) => tf.abs(x), 'apart'),
  [tf.Cos]: vector((x) => tf.cos(x)),
  [tf.Erf]: vector((x) => tf.erf(x)),
  [tf.Exp]: vector((x) => tf.exp(x)),
  [tf.Expm1]: vector((x) => tf.expm1(x)),
  [tf.Log]: vector((x) => tf.log(x), 'positive'),
  [tf.Log1p]: vector((x) => tf.log1p(x), 'positive'),
  [tf.Neg]: vector((x) => tf.neg(x)),
  [tf.Reciprocal]: vector((x) => tf.reciprocal(x), 'positive'),
  [tf.Relu]: vector((x) => tf.relu(x), 'apart'),
  [tf.Rsqrt]: vector((x) => tf.rsqrt(x), 'positive'),
  [tf.Sigmoid]: vector((x) => tf.sigmoid(x)),
  [tf.Sin]: vector((x) => tf.sin(x)),
  [tf.Softplus]: vector((x) => tf.softplus(x)),
  [tf.Sqrt]: vector((x) => tf.sqrt(x), 'positive'),
  [tf.Square]: vector((x) => tf.square(x)),
  [tf.Tanh]: vector((x) => tf.tanh(x)),
  [tf.ClipByValue]: vector((x) => tf.clipByValue(x, -0.5, 1), 'apart'),
  [tf.Identity]: vector((x) => tf.clone(x)),
  [tf.Cast]: vector((x) => tf.mul(tf.cast(x, 'float32'), x)),
  [tf.Ceil]: vector((x) => tf.mul(tf.ceil(x), x), 'apart'),
  [tf.Floor]: vector((x) => tf.mul(tf.floor(x), x), 'apart'),
  [tf.Round]: vector((x) => tf.mul(tf.round(x), x), 'apart'),
  [tf.Sign]: vector((x) => tf.mul(tf.sign(x), x), 'apart'),
  [tf.Step]: vector((x) => tf.mul(tf.step(x, 0.25), x), 'apart'),
  [tf.OnesLike]: vector((x) => tf.mul(tf.onesLike(x), x)),
  [tf.ZerosLike]: vector((x) => tf.add(tf.zerosLike(x), x)),

  [tf.Add]: pair((a, b) => tf.add(a, b)),
  [tf.Sub]: pair((a, b) => tf.sub(a, b)),
  [tf.Multiply]: pair((a, b) => tf.mul(a, b)),
  [tf.RealDiv]: pair((a, b) => tf.div(a, b), 'positive'),
  [tf.Maximum]: pair((a, b) => tf.maximum(a, b), 'apart'),
  [tf.Minimum]: pair((a, b) => tf.minimum(a, b), 'apart'),
  [tf.SquaredDifference]: pair((a, b) => tf.squaredDifference(a, b)),
  [tf.Pow]: pair((a, b) => tf.pow(a, b), 'positive'),
  [tf.BatchMatMul]: [
    ...matMuls,
    {
      shapes: [
        [2, 3, 4],
        [1, 4, 2],
      ],
      f: (a, b) => tf.matMul(a, b),
    },
    {
      shapes: [
        [4, 3],
        [2, 2, 4],
      ],
      f: (a, b) => tf.matMul(a, b, true, true),
    },
  ],

  [tf.Sum]: reduction((x, axis, keep) => tf.sum(x, axis, keep)),
  [tf.Mean]: reduction((x, axis, keep) => tf.mean(x, axis, keep)),
  [tf.Max]: reduction((x, axis, keep) => tf.max(x, axis, keep)),
  [tf.Min]: reduction((x, axis, keep) => tf.min(x, axis, keep)),
  [tf.Softmax]: [{ shapes: [[2, 5]], f: (x) => tf.softmax(x) }],
  [tf.LogSoftmax]: [{ shapes: [[2, 5]], f: (x) => tf.logSoftmax(x) }],

  [tf.Reshape]: [{ shapes: [[2, 3]], f: (x) => square(tf.reshape(x, [3, 2])) }],
  [tf.ExpandDims]: [{ shapes: [[2, 3]], f: (x) => square(tf.expandDims(x, 1)) }],
  [tf.Transpose]: [{ shapes: [[2, 3, 4]], f: (x) => square(tf.transpose(x, [1, 2, 0])) }],
  [tf.BroadcastTo]: [{ shapes: [[3, 1]], f: (x) => square(tf.broadcastTo(x, [2, 3, 4])) }],
  [tf.Tile]: [{ shapes: [[2, 3]], f: (x) => square(tf.tile(x, [3, 2])) }],
  [tf.Concat]: [
    {
      shapes: [
        [2, 1],
        [2, 3],
      ],
      f: (a, b) => square(tf.concat([a, b], 1)),
    },
  ],
  [tf.SplitV]: [
    {
      shapes: [[2, 5]],
      f: (x) => {
        const [left, right] = tf.split(x, [2, 3], 1);
        return tf.mul(tf.sum(left), right);
      },
    },
  ],
  [tf.Pack]: [{ shapes: [[3], [3]], f: (a, b) => square(tf.stack([a, b], 1)) }],
  [tf.Unpack]: [
    {
      shapes: [[2, 3]],
      f: (x) => {
        const [a, b, c] = tf.unstack(x, 1);
        return tf.mul(a, tf.add(b, c));
      },
    },
  ],
  [tf.Slice]: [{ shapes: [[3, 4]], f: (x) => square(tf.slice(x, [1, 0], [2, -1])) }],
  [tf.PadV2]: [
    {
      shapes: [[2, 3]],
      f: (x) =>
        square(
          tf.pad(
            x,
            [
              [1, 0],
              [0, 2],
            ],
            1.5,
          ),
        ),
    },
  ],
  [tf.Select]: [
    {
      shapes: [
        [2, 2],
        [2, 2],
      ],
      f: (a, b) => tf.where(tf.tensor2d([1, 0, 0, 1], [2, 2], 'bool'), square(a), b),
    },
  ],
};

/** Of 25 numbers in a mixed order: each 0.25 from the next, and 0.125 from every multiple of 0.5. */
function apart(i: number): number {
  return (((i * 7) % 25) - 12) * 0.25 + 0.125;
}

/** Random numbers; `positive` ones lie in [1, 2). */
function inputsOf({ shapes, at }: Case): tf.Variable[] {
  const sizes = shapes.map((shape) => tf.util.sizeFromShape([...shape]));
  let taken = 0;
  return shapes.map((shape, index) => {
    const key = new Rng(5).fold(index);
    const random = randomNormal(shape, key);
    if (at === 'positive') random.data.set(key.uniform(sizes[index]).map((draw) => 1 + draw));
    if (at === 'apart') random.data.set(random.data.map((_, i) => apart(taken + i)));
    taken += sizes[index];
    return parameter(fromHost(random));
  });
}

describeOnBackends('registered gradients', () => {
  it('are all tested here', () => {
    expect(Object.keys(cases).sort()).toEqual([...differentiableKernels].sort());
  });

  for (const [kernel, variants] of Object.entries(cases)) {
    it(`${kernel} is the limit of its finite differences`, () => {
      for (const variant of variants) {
        const before = tf.memory().numTensors;
        const inputs = inputsOf(variant);
        const variables = new Map(inputs.map((input, i) => [`input ${i}`, input]));
        expectFiniteDifferences(() => tf.tidy(() => variant.f(...inputs)), variables);
        tf.dispose(inputs);
        expect(tf.memory().numTensors).toBe(before);
      }
    });
  }
}, ['cpu']);
