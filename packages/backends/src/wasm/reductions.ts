import {
  Max,
  Mean,
  Min,
  type NamedAttrMap,
  Softmax,
  Sum,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { type Kernels, parts, replaceWasmKernel } from './kernels.ts';

/** Rows, and columns, in a unit, as in assembly/reductions.ts. */
const ROWS = 16;
const COLUMNS = 64;

/** In the order of assembly/reductions.ts, with the attribute that tfjs names the axes by. */
const reductions = [
  [Sum, 'axis'],
  [Mean, 'axis'],
  [Max, 'reductionIndices'],
  [Min, 'axis'],
] as const;

interface Reduced {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly shape: number[];
}

/** A tensor as `[outer, N, inner]` and its shape without N; nothing where the axes are no neighbours. */
function reduced({ shape }: TensorInfo, { axis, keepDims }: NamedAttrMap): Reduced | undefined {
  const axes = util.parseAxisParam(axis as number | number[], shape).toSorted((a, b) => a - b);
  if (axes.length === 0 || axes.some((each, i) => each !== axes[0] + i)) return undefined;
  const [first, end] = [axes[0], axes[0] + axes.length];
  const ones = keepDims === true ? axes.map(() => 1) : [];
  return {
    outer: util.sizeFromShape(shape.slice(0, first)),
    n: util.sizeFromShape(shape.slice(first, end)),
    inner: util.sizeFromShape(shape.slice(end)),
    shape: [...shape.slice(0, first), ...ones, ...shape.slice(end)],
  };
}

export function registerReductions(all: Kernels): void {
  for (const [which, [name, axes]] of reductions.entries()) {
    replaceWasmKernel(name, all, ({ inputs: { x }, attrs, kernels }) => {
      const integers = x.dtype === 'int32' && name === Sum;
      if (x.dtype !== 'float32' && !integers) return undefined;
      const view = reduced(x, { axis: attrs[axes], keepDims: attrs.keepDims });
      if (view === undefined || sizeOf(x) === 0) return undefined;
      const { outer, n, inner, shape } = view;
      const out = kernels.output(shape, integers ? 'int32' : 'float32');
      const args = [kernels.offsetOf(x), kernels.offsetOf(out), outer, n, inner, which, Number(integers)];
      const units = inner === 1 ? parts(outer, ROWS) : outer * parts(inner, COLUMNS);
      kernels.run([{ kernel: 'reduce', units: integers ? 1 : units, work: 2 * sizeOf(x), args }]);
      return out;
    });
  }

  replaceWasmKernel(Softmax, all, ({ inputs: { logits }, attrs, kernels }) => {
    const { shape, dtype } = logits;
    const last = shape.length - 1;
    if (dtype !== 'float32' || (attrs.dim !== last && attrs.dim !== -1)) return undefined;
    const out = kernels.output(shape);
    const [count, width] = [util.sizeFromShape(shape.slice(0, last)), shape[last]];
    const args = [kernels.offsetOf(logits), kernels.offsetOf(out), count, width];
    kernels.run([{ kernel: 'softmax', units: parts(count, ROWS), work: 20 * count * width, args }]);
    return out;
  });
}
