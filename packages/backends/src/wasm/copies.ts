import {
  Concat,
  type DataType,
  GatherV2,
  Pack,
  PadV2,
  Slice,
  SplitV,
  scatter_util,
  slice_util,
  type TensorInfo,
  TensorScatterUpdate,
  Tile,
  Transpose,
  Unpack,
  util,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { bitsOf, type Command, type Kernels, parts, replaceWasmKernel } from './kernels.ts';
import { collapse, stridesOf } from './layout.ts';

/** Outermost blocks, and rows of a table, in a unit, as in assembly/copies.ts. */
const BLOCKS = 16;
const WORDS = 16384;

interface Copy {
  /** Offsets in bytes. */
  readonly from: number;
  readonly to: number;
  readonly shape: readonly number[];
  /** Words from one to the next in each dimension. */
  readonly fromStrides: readonly number[];
  readonly toStrides: readonly number[];
}

/** A copy between two layouts; nothing where it has too many dimensions. */
function copy({ from, to, shape, fromStrides, toStrides }: Copy): Command | undefined {
  const layout = collapse(shape, [fromStrides, toStrides]);
  if (layout === undefined) return undefined;
  const [sizes, [source, target]] = [[...layout.sizes], layout.strides.map((own) => [...own])];
  // Threads share the outermost dimension.
  while (sizes[0] === 1 && (sizes[1] > 1 || sizes[2] > 1)) {
    for (const each of [sizes, source, target]) each.unshift(...each.splice(1, 2), ...each.splice(0, 1));
  }
  const work = util.sizeFromShape(sizes);
  const args = [from, to, ...sizes, ...source.slice(0, 3), ...target.slice(0, 3), source[3], target[3]];
  return { kernel: 'copyBlocks', units: parts(sizes[0], BLOCKS), work, args };
}

/** Runs all of them or, where one is not possible, none. */
function copyAll(kernels: Kernels, copies: readonly Copy[]): boolean {
  const commands = copies.map(copy);
  if (!commands.every((command) => command !== undefined)) return false;
  kernels.run(commands);
  return true;
}

/** Whether the elements of all of them are words. */
function areWords(...tensors: readonly TensorInfo[]): boolean {
  const [{ dtype }] = tensors;
  return (
    (dtype === 'float32' || dtype === 'int32') &&
    tensors.every((tensor) => tensor.dtype === dtype && sizeOf(tensor) > 0)
  );
}

/** Parts of `x`: where each begins, and its shape. */
function cutOut(
  kernels: Kernels,
  x: TensorInfo,
  cuts: readonly { readonly begin: readonly number[]; readonly shape: readonly number[] }[],
): TensorInfo[] | undefined {
  const strides = stridesOf(x.shape);
  const parts = cuts.map(({ shape }) => kernels.output(shape, x.dtype));
  const copies = cuts.map(({ begin, shape }, i) => ({
    from: kernels.offsetOf(x) + 4 * begin.reduce((sum, at, axis) => sum + at * strides[axis], 0),
    to: kernels.offsetOf(parts[i]),
    shape,
    fromStrides: strides,
    toStrides: stridesOf(shape),
  }));
  return copyAll(kernels, copies) ? parts : undefined;
}

/** Puts tensors into a new one of `shape`, each with its first element at `begin`. */
function putTogether(
  kernels: Kernels,
  shape: readonly number[],
  dtype: DataType,
  pieces: readonly { readonly x: TensorInfo; readonly shape: readonly number[]; readonly begin: number }[],
): TensorInfo | undefined {
  const out = kernels.output(shape, dtype);
  const copies = pieces.map(({ x, shape: own, begin }) => ({
    from: kernels.offsetOf(x),
    to: kernels.offsetOf(out) + 4 * begin,
    shape: own,
    fromStrides: stridesOf(own),
    toStrides: stridesOf(shape),
  }));
  return copyAll(kernels, copies) ? out : undefined;
}

const withAxis = (shape: readonly number[], axis: number, size: number): number[] => shape.with(axis, size);

/** tfjs copies these element by element, some of them in JavaScript; here in rows, where elements are words. */
export function registerCopies(all: Kernels): void {
  replaceWasmKernel(Slice, all, ({ inputs: { x }, attrs, kernels }) => {
    if (!areWords(x) || x.shape.length > 4) return undefined;
    const { begin, size } = attrs as { begin: number | number[]; size: number | number[] };
    const [start, shape] = slice_util.parseSliceParams(x as never, begin, size);
    if (util.sizeFromShape(shape) === 0) return undefined;
    slice_util.assertParamsValid(x as never, start, shape);
    return cutOut(kernels, x, [{ begin: start, shape }])?.[0];
  });

  replaceWasmKernel(SplitV, all, ({ inputs: { x }, attrs, kernels }) => {
    const { numOrSizeSplits, axis } = attrs as { numOrSizeSplits: number | number[]; axis: number };
    if (!areWords(x) || x.shape.length > 4) return undefined;
    const [along] = util.parseAxisParam(axis, x.shape);
    const sizes =
      typeof numOrSizeSplits === 'number'
        ? new Array<number>(numOrSizeSplits).fill(x.shape[along] / numOrSizeSplits)
        : numOrSizeSplits;
    if (sizes.some((size) => size <= 0)) return undefined; // -1 is what is left
    let start = 0;
    const cuts = sizes.map((size) => {
      const begin = x.shape.map((_, i) => (i === along ? start : 0));
      start += size;
      return { begin, shape: withAxis(x.shape, along, size) };
    });
    return cutOut(kernels, x, cuts);
  });

  replaceWasmKernel(Unpack, all, ({ inputs: { value }, attrs, kernels }) => {
    if (!areWords(value) || value.shape.length > 4) return undefined;
    const [along] = util.parseAxisParam(attrs.axis as number, value.shape);
    const cuts = Array.from({ length: value.shape[along] }, (_, at) => ({
      begin: value.shape.map((_, i) => (i === along ? at : 0)),
      shape: withAxis(value.shape, along, 1),
    }));
    const shape = value.shape.toSpliced(along, 1);
    return cutOut(kernels, value, cuts)?.map((part) => ({ ...part, shape }));
  });

  replaceWasmKernel(Concat, all, ({ inputs, attrs, kernels }) => {
    const given = Object.values(inputs) as TensorInfo[];
    const tensors = given.filter((tensor) => sizeOf(tensor) > 0);
    if (tensors.length < 2 || !areWords(...tensors) || tensors[0].shape.length > 4) return undefined;
    const [{ shape, dtype }] = tensors;
    const [along] = util.parseAxisParam(attrs.axis as number, shape);
    const whole = tensors.reduce((sum, x) => sum + x.shape[along], 0);
    const width = util.sizeFromShape(shape.slice(along + 1));
    let begin = 0;
    const pieces = tensors.map((x) => {
      const piece = { x, shape: x.shape, begin };
      begin += x.shape[along] * width;
      return piece;
    });
    return putTogether(kernels, withAxis(shape, along, whole), dtype, pieces);
  });

  replaceWasmKernel(Pack, all, ({ inputs, attrs, kernels }) => {
    const tensors = Object.values(inputs) as TensorInfo[];
    if (!areWords(...tensors) || tensors[0].shape.length > 3) return undefined;
    const [{ shape, dtype }] = tensors;
    const rank = shape.length + 1;
    const along = ((attrs.axis as number) + rank) % rank;
    const width = util.sizeFromShape(shape.slice(along));
    const pieces = tensors.map((x, i) => ({ x, shape: shape.toSpliced(along, 0, 1), begin: i * width }));
    return putTogether(kernels, shape.toSpliced(along, 0, tensors.length), dtype, pieces);
  });

  replaceWasmKernel(PadV2, all, ({ inputs: { x }, attrs, kernels }) => {
    const { paddings, constantValue } = attrs as { paddings: [number, number][]; constantValue: number };
    if (!areWords(x) || x.shape.length > 4) return undefined;
    const shape = x.shape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
    const strides = stridesOf(shape);
    const begin = paddings.reduce((sum, [before], axis) => sum + before * strides[axis], 0);
    const out = kernels.output(shape, x.dtype);
    const count = util.sizeFromShape(shape);
    const value = x.dtype === 'float32' ? bitsOf(constantValue) : constantValue;
    const inside = copy({
      from: kernels.offsetOf(x),
      to: kernels.offsetOf(out) + 4 * begin,
      shape: x.shape,
      fromStrides: stridesOf(x.shape),
      toStrides: strides,
    });
    if (inside === undefined) return undefined;
    const around = { units: parts(count, WORDS), work: count, args: [kernels.offsetOf(out), count, value] };
    kernels.run([...(count > sizeOf(x) ? [{ kernel: 'fill' as const, ...around }] : []), inside]);
    return out;
  });

  replaceWasmKernel(Tile, all, ({ inputs: { x }, attrs, kernels }) => {
    const reps = attrs.reps as number[];
    if (!areWords(x) || reps.some((count) => count <= 0) || repeatedDims(x.shape, reps) > 4) return undefined;
    const out = kernels.output(
      x.shape.map((size, axis) => size * reps[axis]),
      x.dtype,
    );
    const strides = stridesOf(x.shape);
    // Each dimension twice: its repetitions, then its own.
    const shape = x.shape.flatMap((size, axis) => [reps[axis], size]);
    const from = { from: kernels.offsetOf(x), fromStrides: strides.flatMap((stride) => [0, stride]) };
    const to = { to: kernels.offsetOf(out), toStrides: stridesOf(shape) };
    return copyAll(kernels, [{ ...from, ...to, shape }]) ? out : undefined;
  });

  replaceWasmKernel(Transpose, all, ({ inputs: { x }, attrs, kernels }) => {
    const perm = attrs.perm as number[];
    if (!areWords(x) || x.shape.length > 4 || perm.every((from, to) => from === to)) return undefined;
    const strides = stridesOf(x.shape);
    const shape = perm.map((axis) => x.shape[axis]);
    const out = kernels.output(shape, x.dtype);
    const fromStrides = perm.map((axis) => strides[axis]);
    const to = { to: kernels.offsetOf(out), toStrides: stridesOf(shape) };
    return copyAll(kernels, [{ from: kernels.offsetOf(x), fromStrides, ...to, shape }]) ? out : undefined;
  });

  replaceWasmKernel(GatherV2, all, ({ inputs: { x, indices }, attrs, kernels }) => {
    const isTable = areWords(x) && indices.dtype === 'int32' && sizeOf(indices) > 0 && x.shape.length > 0;
    if (!isTable || attrs.axis !== 0 || (attrs.batchDims ?? 0) !== 0) return undefined;
    const [rows, ...row] = x.shape;
    kernels.checkIds(GatherV2, indices, rows);
    const out = kernels.output([...indices.shape, ...row], x.dtype);
    const [count, width] = [sizeOf(indices), util.sizeFromShape(row)];
    const args = [...[x, indices, out].map(kernels.offsetOf), count, width, rows];
    kernels.run([{ kernel: 'gatherRows', units: parts(count, BLOCKS), work: count * width, args }]);
    return out;
  });

  replaceWasmKernel(TensorScatterUpdate, all, ({ inputs: { tensor, indices, updates }, kernels }) => {
    if (!areWords(tensor, updates) || indices.dtype !== 'int32') return undefined;
    const { sliceRank, numUpdates, sliceSize, strides } = scatter_util.calculateShapes(
      updates as never,
      indices as never,
      tensor.shape,
    );
    if (sliceRank > 4) return undefined;
    const out = kernels.outputFrom(tensor);
    const [from, to] = [kernels.offsetOf(tensor), kernels.offsetOf(out)];
    const rowStrides = Array.from({ length: 4 }, (_, axis) => strides[axis] ?? 0);
    const rows = sizeOf(tensor) / sliceSize;
    const args = [kernels.offsetOf(indices), kernels.offsetOf(updates), to, numUpdates, sliceRank, sliceSize];
    const work = numUpdates * sliceSize;
    kernels.run([
      ...(from === to ? [] : copyWhole(kernels, tensor, out)),
      { kernel: 'scatterRows', units: 1, work, args: [...args, ...rowStrides, rows] },
    ]);
    return out;
  });
}

/** All of a tensor. */
function copyWhole(kernels: Kernels, x: TensorInfo, to: TensorInfo): Command[] {
  const layout = { shape: x.shape, fromStrides: stridesOf(x.shape), toStrides: stridesOf(x.shape) };
  const whole = copy({ from: kernels.offsetOf(x), to: kernels.offsetOf(to), ...layout });
  return whole === undefined ? [] : [whole];
}

/** How many dimensions of more than one element a tensor has, counting each repetition as one. */
function repeatedDims(shape: readonly number[], reps: readonly number[]): number {
  return [...shape, ...reps].filter((size) => size > 1).length;
}
