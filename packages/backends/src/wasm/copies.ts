import { Concat, GatherV2, SplitV, type TensorInfo, Transpose, util } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { type Kernels, parts, replaceWasmKernel } from './kernels.ts';

/** Outermost blocks in a unit, as in assembly/copies.ts. */
const BLOCKS = 16;

type Three = readonly [number, number, number];

interface Copy {
  /** Offsets in bytes. */
  readonly from: number;
  readonly to: number;
  readonly sizes: Three;
  /** Floats in a row. */
  readonly width: number;
  /** Floats from one to the next in each dimension. */
  readonly fromStrides: Three;
  readonly toStrides: Three;
}

function copy(kernels: Kernels, { from, to, sizes, width, fromStrides, toStrides }: Copy): void {
  const args = [from, to, ...sizes, width, ...fromStrides, ...toStrides];
  const work = sizes[0] * sizes[1] * sizes[2] * width;
  kernels.run([{ kernel: 'copyBlocks', units: parts(sizes[0], BLOCKS), work, args }]);
}

const lastOf = ({ shape }: TensorInfo): number => shape[shape.length - 1];
const isLastAxis = (axis: unknown, { shape }: TensorInfo): boolean =>
  shape.length > 1 && (axis === -1 || axis === shape.length - 1);

/** tfjs copies these element by element, some of them in JavaScript; here whole rows, where the rows are of float32. */
export function registerCopies(all: Kernels): void {
  replaceWasmKernel(SplitV, all, ({ inputs: { x }, attrs, kernels }) => {
    const { numOrSizeSplits, axis } = attrs as { numOrSizeSplits: number | number[]; axis: number };
    const last = lastOf(x);
    if (x.dtype !== 'float32' || !isLastAxis(axis, x)) return undefined;
    const widths =
      typeof numOrSizeSplits === 'number'
        ? new Array<number>(numOrSizeSplits).fill(last / numOrSizeSplits)
        : numOrSizeSplits;
    if (widths.some((width) => width < 0)) return undefined; // -1 is what is left
    let column = 0;
    return widths.map((width) => {
      const part = kernels.output([...x.shape.slice(0, -1), width]);
      copy(kernels, {
        from: kernels.offsetOf(x) + 4 * column,
        to: kernels.offsetOf(part),
        sizes: [sizeOf(x) / last, 1, 1],
        width,
        fromStrides: [last, 0, 0],
        toStrides: [width, 0, 0],
      });
      column += width;
      return part;
    });
  });

  replaceWasmKernel(Concat, all, ({ inputs, attrs, kernels }) => {
    const tensors = (Object.values(inputs) as TensorInfo[]).filter((tensor) => sizeOf(tensor) > 0);
    if (tensors.length < 2 || !tensors.every((x) => x.dtype === 'float32' && isLastAxis(attrs.axis, x))) {
      return undefined;
    }
    const last = tensors.reduce((sum, tensor) => sum + lastOf(tensor), 0);
    const out = kernels.output([...tensors[0].shape.slice(0, -1), last]);
    let column = 0;
    for (const tensor of tensors) {
      const width = lastOf(tensor);
      copy(kernels, {
        from: kernels.offsetOf(tensor),
        to: kernels.offsetOf(out) + 4 * column,
        sizes: [sizeOf(tensor) / width, 1, 1],
        width,
        fromStrides: [width, 0, 0],
        toStrides: [last, 0, 0],
      });
      column += width;
    }
    return out;
  });

  // [B, T, H, D] and [B, H, T, D] into each other.
  replaceWasmKernel(Transpose, all, ({ inputs: { x }, attrs, kernels }) => {
    if (x.dtype !== 'float32' || (attrs.perm as number[]).join() !== '0,2,1,3') return undefined;
    const [b, t, h, d] = x.shape;
    const out = kernels.output([b, h, t, d]);
    // The dimensions of the result, batch and heads in one where there is one row: threads share the outermost.
    copy(kernels, {
      from: kernels.offsetOf(x),
      to: kernels.offsetOf(out),
      sizes: b === 1 ? [h, 1, t] : [b, h, t],
      width: d,
      fromStrides: b === 1 ? [d, 0, h * d] : [t * h * d, d, h * d],
      toStrides: b === 1 ? [t * d, 0, d] : [h * t * d, t * d, d],
    });
    return out;
  });

  replaceWasmKernel(GatherV2, all, ({ inputs: { x, indices }, attrs, kernels }) => {
    const rows = x.dtype === 'float32' && indices.dtype === 'int32' && x.shape.length === 2;
    if (!rows || attrs.axis !== 0 || (attrs.batchDims ?? 0) !== 0) return undefined;
    const [count, width] = x.shape;
    const ids = kernels.integers(indices);
    for (const id of ids) {
      util.assert(id >= 0 && id < count, () => `GatherV2: the index ${id} is not in [0, ${count - 1}]`);
    }
    const out = kernels.output([...indices.shape, width]);
    const args = [...[x, indices, out].map(kernels.offsetOf), ids.length, width];
    const work = ids.length * width;
    kernels.run([{ kernel: 'gatherRows', units: parts(ids.length, BLOCKS), work, args }]);
    return out;
  });
}
