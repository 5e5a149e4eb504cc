import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Command, type Kernels, parts, registerWasmKernel } from './kernels.ts';

/** Up to so many rows nothing is packed: it would cost more than it saves. */
const FEW_ROWS = 4;
/** The bytes in which a thread packs 32 rows by 512 of the left side, and keeps one tile of the product. */
const THREAD_SCRATCH = 32 * 512 * 4 + 128;
/** Right sides are packed in groups of at most so many bytes, or one at a time. */
const PACKED_BYTES = 2 ** 25;

interface Product {
  /** Offsets. */
  readonly left: number;
  readonly right: number;
  readonly out: number;
  readonly bias?: number;
  readonly batch: number;
  /** The product is M by N, its inner dimension K. */
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Matrix products, one for each matrix of the batch. */
function multiply(kernels: Kernels, product: Product): void {
  const { left, right, out, bias = 0, batch, m, k, n, transposeA, transposeB } = product;
  const work = 2 * batch * m * k * n;
  const flags = [Number(transposeA), Number(transposeB)];
  if (m <= FEW_ROWS && !(transposeA && m > 1)) {
    const kernel = transposeB ? 'multiplyFewTransposed' : 'multiplyFew';
    const args = [left, right, out, bias, 0, m, k, n, ...flags];
    kernels.run([{ kernel, units: batch * parts(n, 64), work, args }]);
    return;
  }
  const packedBytes = 4 * parts(n, 8) * 8 * (k + (k % 2));
  const group = Math.min(batch, Math.max(1, Math.floor(PACKED_BYTES / packedBytes)));
  kernels.reserve(THREAD_SCRATCH);
  const packed = kernels.scratch(group * packedBytes);
  const commands: Command[] = [];
  for (let first = 0; first < batch; first += group) {
    const count = Math.min(group, batch - first);
    const [a, b, c] = [left + 4 * first * m * k, right + 4 * first * k * n, out + 4 * first * m * n];
    const args = [a, b, c, bias, packed, m, k, n, ...flags];
    commands.push(
      { kernel: 'packForProduct', units: count * parts(parts(n, 8), 4), work: 0, args },
      { kernel: 'multiply', units: count * parts(m, 32), work, args },
    );
  }
  kernels.run(commands);
}

/** The sum of the rows of `[N, C]`. */
function sumOfRows(kernels: Kernels, x: TensorInfo): TensorInfo {
  const [count, width] = x.shape;
  const out = kernels.output([width]);
  const args = [kernels.offsetOf(x), kernels.offsetOf(out), count, width, width];
  kernels.run([{ kernel: 'sumRows', units: parts(width, 64), work: 2 * count * width, args }]);
  return out;
}

export function registerMatMul(all: Kernels): void {
  registerWasmKernel('MatMul', all, ({ inputs: { a, b }, attrs, kernels }) => {
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const outer = a.shape.slice(0, -2);
    const [rows, columns] = a.shape.slice(-2);
    const [m, k] = transposeA ? [columns, rows] : [rows, columns];
    const n = b.shape.at(transposeB ? -2 : -1) as number;
    const out = kernels.output([...outer, m, n]);
    multiply(kernels, {
      left: kernels.offsetOf(a),
      right: kernels.offsetOf(b),
      out: kernels.offsetOf(out),
      batch: util.sizeFromShape(outer),
      ...{ m, k, n, transposeA, transposeB },
    });
    return out;
  });

  registerWasmKernel('Linear', all, ({ inputs: { x, weight, bias }, attrs, kernels }) => {
    const transposeB = attrs.transposed as boolean;
    const [m, k] = x.shape;
    const n = weight.shape[transposeB ? 0 : 1];
    const out = kernels.output([m, n]);
    multiply(kernels, {
      left: kernels.offsetOf(x),
      right: kernels.offsetOf(weight),
      out: kernels.offsetOf(out),
      bias: kernels.offsetOf(bias),
      ...{ batch: 1, m, k, n, transposeA: false, transposeB },
    });
    return out;
  });

  registerWasmKernel('SumRows', all, ({ inputs: { x }, kernels }) => sumOfRows(kernels, x));
}
