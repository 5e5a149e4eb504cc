import { fromHost, type HostTensor, parameter, Rng, toHost, valueAndGrads } from '@minigpt/core';
import * as ops from '@minigpt/ops';
import * as tf from '@tensorflow/tfjs-core';
import { randomIds, randomNormal } from './random.ts';

type Tensors = readonly tf.Tensor[];

/** An operation with the shapes of its float32 inputs. */
export interface OperationCase {
  readonly shapes: readonly (readonly number[])[];
  readonly f: (inputs: Tensors) => tf.Tensor;
}

const matrix = (x: tf.Tensor) => x as tf.Tensor2D;
const vector = (x: tf.Tensor) => x as tf.Tensor1D;
const heads = (x: tf.Tensor) => x as tf.Tensor4D;

/** Sizes that are multiples of nothing, ones, and some beyond a kernel's first tile. */
const rows = [
  [1, 1],
  [3, 5],
  [2, 3, 7],
  [17, 33],
  [2, 9, 65],
];

const perRow = (f: (x: tf.Tensor, width: number) => tf.Tensor): OperationCase[] =>
  rows.map((shape) => ({ shapes: [shape], f: ([x]) => f(x, shape.at(-1)!) }));

const normed = (f: (inputs: Tensors) => tf.Tensor, vectors: number): OperationCase[] =>
  rows.map((shape) => ({ shapes: [shape, ...Array.from({ length: vectors }, () => [shape.at(-1)!])], f }));

const affine = (f: (inputs: Tensors) => tf.Tensor, transposed: boolean): OperationCase[] =>
  rows.map((shape, i) => {
    const [inner, outer] = [shape.at(-1)!, [1, 4, 11, 19, 3][i]];
    return { shapes: [shape, transposed ? [outer, inner] : [inner, outer], [outer]], f };
  });

const sizes = [
  [1, 1, 1, 1, 1],
  [2, 3, 5, 5, 7],
  [1, 2, 4, 9, 3],
  [1, 1, 17, 33, 10],
] as const;

const attended = (f: (inputs: Tensors) => tf.Tensor): OperationCase[] =>
  sizes.map(([b, h, t, s, d]) => ({
    shapes: [
      [b, h, t, d],
      [b, h, s, d],
      [b, h, s, d],
    ],
    f,
  }));

/** Queries `[B, 4, T, D]` that share two key heads; the last sizes go beyond a block of 64 queries and 64 keys. */
const grouped = (f: (inputs: Tensors) => tf.Tensor): OperationCase[] =>
  [...sizes, [1, 1, 70, 150, 12] as const].map(([b, , t, s, d]) => ({
    shapes: [
      [b, 4, t, d],
      [b, 2, s, d],
      [b, 2, s, d],
    ],
    f,
  }));

/** A mask `[B, 1, T, S]` over padding of another length in each row. */
function paddingMask(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const [t, s] = [q.shape[2]!, k.shape[2]!];
  const columns = Int32Array.from({ length: s }, (_, i) => i);
  const padding = Array.from({ length: q.shape[0] }, (_, row) => Math.min(row + 1, s - t));
  return ops.attentionMask(columns.subarray(s - t), columns, { padding }) ?? tf.zeros([t, s]);
}

/** All dimensions but two turn, where there are more than two; each row of the batch stands elsewhere. */
function rotated(x: tf.Tensor, layout: ops.RopeLayout): tf.Tensor {
  const [b, , t, d] = x.shape as [number, number, number, number];
  const frequencies = ops.ropeFrequencies({
    rotaryDim: Math.max(2, d - 2),
    theta: 100,
    maxLength: 64,
    length: 64,
  });
  const positions = Array.from({ length: b * t }, (_, i) => 3 * Math.floor(i / t) + (i % t));
  const { cos, sin } = ops.ropeTables(positions, frequencies);
  const table = (values: Float32Array) => tf.tensor(values, [b, t, frequencies.invFreq.length]);
  return ops.rope(heads(x), table(cos), table(sin), { layout });
}

const ids = (count: number, vocabSize: number) => fromHost(randomIds([count], vocabSize, new Rng(7)));

/** Targets with every third one ignored. */
function targets(count: number, vocabSize: number): tf.Tensor1D {
  const all = randomIds([count], vocabSize, new Rng(8));
  return vector(fromHost({ ...all, data: Int32Array.from(all.data, (id, i) => (i % 3 === 2 ? -100 : id)) }));
}

const losses = (labelSmoothing: number): OperationCase[] =>
  [
    [1, 2],
    [5, 7],
    [33, 65],
  ].map(([n, v]) => ({
    shapes: [[n, v]],
    f: ([logits]) => ops.tokenLosses(matrix(logits), targets(n, v), { labelSmoothing }),
  }));

/** Every operation of `@minigpt/ops` that a kernel may take over, at sizes that are awkward on purpose. */
export const operations: Readonly<Record<string, readonly OperationCase[]>> = {
  matMul: [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) =>
      sizes.map(([b, h, m, k, n]) => ({
        shapes: [
          [b, h, ...(transposeA ? [k, m] : [m, k])],
          [b, h, ...(transposeB ? [n, k] : [k, n])],
        ],
        f: ([a, c]: Tensors) => ops.matMul(a, c, { transposeA, transposeB }),
      })),
    ),
  ),
  linear: affine(([x, w, b]) => ops.linear(x, matrix(w), vector(b)), true),
  'linear without bias': affine(([x, w, b]) => tf.mul(ops.linear(x, matrix(w)), b), true),
  conv1d: affine(([x, w, b]) => ops.conv1d(x, matrix(w), vector(b)), false),
  embedding: rows.map((shape) => ({
    shapes: [[shape[0] + 2, shape[1]]],
    f: ([w]) => ops.embedding(ids(11, shape[0] + 2), matrix(w)),
  })),
  layerNorm: normed(([x, w, b]) => ops.layerNorm(x, vector(w), vector(b), { eps: 0.1 }), 2),
  'layerNorm without bias': normed(([x, w]) => ops.layerNorm(x, vector(w), undefined, { eps: 0.1 }), 1),
  rmsNorm: normed(([x, w]) => ops.rmsNorm(x, vector(w), { eps: 0.1 }), 1),
  geluErf: perRow((x) => ops.geluErf(tf.mul(x, 3))),
  geluTanh: perRow((x) => ops.geluTanh(tf.mul(x, 3))),
  silu: perRow((x) => ops.silu(tf.mul(x, 3))),
  reluSquared: perRow((x) => ops.reluSquared(x)),
  attention: attended(([q, k, v]) => ops.attention(heads(q), heads(k), heads(v))),
  'attention, causal': attended(([q, k, v]) => ops.attention(heads(q), heads(k), heads(v), { causal: true })),
  'attention, scaled': attended(([q, k, v]) => ops.attention(heads(q), heads(k), heads(v), { scale: 0.3 })),
  'attention of shared heads': grouped(([q, k, v]) => ops.attention(heads(q), heads(k), heads(v))),
  'attention, windowed': grouped(([q, k, v]) =>
    ops.attention(heads(q), heads(k), heads(v), { causal: true, window: 5 }),
  ),
  'attention, capped': grouped(([q, k, v]) =>
    ops.attention(heads(q), heads(k), heads(v), { causal: true, softcap: 0.7 }),
  ),
  'attention, dropped': grouped(([q, k, v]) =>
    ops.attention(heads(q), heads(k), heads(v), { causal: true, dropout: { rate: 0.3, rng: new Rng(9) } }),
  ),
  'attention, masked and dropped': grouped(([q, k, v]) =>
    ops.attention(heads(q), heads(k), heads(v), {
      mask: paddingMask(q, k),
      dropout: { rate: 0.3, rng: new Rng(9) },
    }),
  ),
  'attention, masked': grouped(([q, k, v]) =>
    ops.attention(heads(q), heads(k), heads(v), { mask: paddingMask(q, k) }),
  ),
  rope: (['half', 'interleaved'] as const).flatMap((layout) =>
    [
      [1, 1, 1, 2],
      [2, 3, 5, 10],
      [2, 2, 7, 32],
    ].map((shape) => ({ shapes: [shape], f: ([x]: Tensors) => rotated(x, layout) })),
  ),
  swiglu: rows.map((shape) => ({ shapes: [shape, shape], f: ([gate, up]) => ops.swiglu(gate, up) })),
  tokenLosses: losses(0),
  'tokenLosses, smoothed': losses(0.1),
  dropout: [...rows, [3, 1500]].map((shape) => ({
    shapes: [shape],
    f: ([x]) => ops.dropout(x, 0.3, new Rng(9)),
  })),
};

/**
 * What an operation gives on the current backend: its output for normal inputs, and the gradients of all inputs under a
 * normal cotangent. The same inputs everywhere.
 */
export async function measureOperation({ shapes, f }: OperationCase): Promise<Map<string, HostTensor>> {
  const inputs = shapes.map((shape, i) => parameter(fromHost(randomNormal(shape, new Rng(6).fold(i)))));
  const named = new Map(inputs.map((input, i) => [`input ${i}`, input]));
  const out = tf.tidy(() => f(inputs));
  const weights = fromHost(randomNormal(out.shape, new Rng(6).fold('cotangent')));
  const { value, grads } = valueAndGrads(() => tf.sum(tf.mul(f(inputs), weights)) as tf.Scalar, named);
  const measured = new Map([['output', await toHost(out)]]);
  for (const [key, gradient] of grads) measured.set(`gradient of ${key}`, await toHost(gradient));
  tf.dispose([out, weights, value, ...inputs, ...grads.values()]);
  return measured;
}
