import {
  Abs,
  Add,
  backend_util,
  Cast,
  type DataType,
  Equal,
  Greater,
  GreaterEqual,
  Less,
  LessEqual,
  LogicalAnd,
  LogicalOr,
  Maximum,
  Minimum,
  Multiply,
  Neg,
  NotEqual,
  RealDiv,
  Reciprocal,
  Relu,
  Rsqrt,
  Sigmoid,
  Sqrt,
  Square,
  Sub,
  Tanh,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { type Kernels, parts, replaceWasmKernel } from './kernels.ts';
import { collapse, type Layout } from './layout.ts';

/** Elements in a unit, as in assembly/arithmetic.ts. */
const ELEMENTS = 4096;

// All in the order of assembly/arithmetic.ts.
const operations = [Add, Sub, Multiply, RealDiv, Minimum, Maximum];
const comparisons = [Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual];
const logical = [LogicalAnd, LogicalOr];
const functions = [Neg, Abs, Square, Sqrt, Rsqrt, Reciprocal, Relu, Sigmoid, Tanh];
const types: readonly DataType[] = ['float32', 'int32', 'bool'];

/** What a function of two tensors reads and gives. */
const reads = { floats: 0, integers: 1, comparedFloats: 2, comparedIntegers: 3, truths: 4 } as const;

/** Of the operations, how many there are for integers. */
const INTEGER_OPERATIONS = 3;

function combine(
  kernels: Kernels,
  { a, b }: Readonly<Record<string, TensorInfo>>,
  { type, which, dtype }: { readonly type: number; readonly which: number; readonly dtype: DataType },
): TensorInfo | undefined {
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const layout = collapse(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)]);
  const count = util.sizeFromShape(shape);
  if (layout === undefined || count === 0) return undefined;
  const out = kernels.output(shape, dtype);
  const { sizes, strides } = cutIntoRows(layout);
  const [outer, middle, inner, width] = sizes;
  const rows = outer * middle * inner;
  const rowsInUnit = Math.max(1, Math.floor(ELEMENTS / width));
  const args = [
    ...[a, b, out].map(kernels.offsetOf),
    ...[rows, middle, inner, width, count],
    ...strides.flat(),
    ...[rowsInUnit, type, which],
  ];
  kernels.run([{ kernel: 'combine', units: parts(rows, rowsInUnit), work: count, args }]);
  return out;
}

/** Elements from one to the next in each dimension of the result; 0 in those that are repeated. */
function broadcastStrides(own: readonly number[], shape: readonly number[]): number[] {
  let stride = 1;
  const strides = new Array<number>(shape.length).fill(0);
  for (let i = 1; i <= own.length; i++) {
    const size = own[own.length - i];
    if (size > 1) strides[shape.length - i] = stride;
    stride *= size;
  }
  return strides;
}

/** Has a layout of one long row begin anew every so often, so that threads can share it. */
function cutIntoRows({ sizes, strides }: Layout): Layout {
  const [outer, middle, inner, width] = sizes;
  if (outer * middle * inner > 1 || width <= ELEMENTS) return { sizes, strides };
  return {
    sizes: [1, 1, parts(width, ELEMENTS), ELEMENTS],
    strides: strides.map(([, , , step]) => [0, 0, step * ELEMENTS, step]),
  };
}

export function registerArithmetic(all: Kernels): void {
  const both = ({ a, b }: Readonly<Record<string, TensorInfo>>, dtype: DataType) =>
    a.dtype === dtype && b.dtype === dtype;

  for (const [which, name] of operations.entries()) {
    replaceWasmKernel(name, all, ({ inputs, kernels }) => {
      if (both(inputs, 'float32')) {
        return combine(kernels, inputs, { type: reads.floats, which, dtype: 'float32' });
      }
      if (!both(inputs, 'int32') || which >= INTEGER_OPERATIONS) return undefined;
      return combine(kernels, inputs, { type: reads.integers, which, dtype: 'int32' });
    });
  }
  for (const [which, name] of comparisons.entries()) {
    replaceWasmKernel(name, all, ({ inputs, kernels }) => {
      if (both(inputs, 'float32')) {
        return combine(kernels, inputs, { type: reads.comparedFloats, which, dtype: 'bool' });
      }
      if (!both(inputs, 'int32')) return undefined;
      return combine(kernels, inputs, { type: reads.comparedIntegers, which, dtype: 'bool' });
    });
  }
  for (const [which, name] of logical.entries()) {
    replaceWasmKernel(name, all, ({ inputs, kernels }) =>
      both(inputs, 'bool')
        ? combine(kernels, inputs, { type: reads.truths, which, dtype: 'bool' })
        : undefined,
    );
  }

  for (const [which, name] of functions.entries()) {
    replaceWasmKernel(name, all, ({ inputs: { x }, kernels }) => {
      if (x.dtype !== 'float32') return undefined;
      const out = kernels.output(x.shape);
      const count = sizeOf(x);
      const args = [kernels.offsetOf(x), kernels.offsetOf(out), count, which];
      kernels.run([{ kernel: 'transform', units: parts(count, ELEMENTS), work: 8 * count, args }]);
      return out;
    });
  }

  replaceWasmKernel(Cast, all, ({ inputs: { x }, attrs, kernels }) => {
    const dtype = attrs.dtype as DataType;
    const [from, to] = [types.indexOf(x.dtype), types.indexOf(dtype)];
    if (from === to || from === -1 || to === -1) return undefined; // tfjs gives the same memory, or refuses
    const out = kernels.output(x.shape, dtype);
    const count = sizeOf(x);
    const args = [kernels.offsetOf(x), kernels.offsetOf(out), count, from, to];
    kernels.run([{ kernel: 'convert', units: parts(count, ELEMENTS), work: 4 * count, args }]);
    return out;
  });
}
