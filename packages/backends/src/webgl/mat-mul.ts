import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { _FusedMatMul, BatchMatMul, getKernel, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Kernel } from './kernel.ts';
import { runPass } from './pass.ts';

/**
 * Up to how many multiplications a product runs in one pass of ours. tfjs's own reads four numbers at once, but needs its
 * inputs packed and its output unpacked first, in three more passes.
 */
const SMALL = 2 ** 18;

interface Transposes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function small(
  backend: MathBackendWebGL,
  a: TensorInfo,
  b: TensorInfo,
  bias: TensorInfo | undefined,
  { transposeA, transposeB }: Transposes,
): TensorInfo | undefined {
  const [rows, inner] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
  const outer = a.shape.slice(0, -2);
  const size = util.sizeFromShape(outer) * rows * columns;
  if (size * inner > SMALL) return undefined;
  return runPass(backend, [...outer, rows, columns], {
    inputs: { a, b, ...(bias && { bias }) },
    size,
    ints: { rows, inner, columns, transposeA: Number(transposeA), transposeB: Number(transposeB) },
    value: `
      int row = i / columns; // of all matrices
      int column = i - row * columns;
      int matrix = row / rows;
      int inMatrix = row - matrix * rows;
      int aAt = transposeA == 1 ? matrix * rows * inner + inMatrix : row * inner;
      int bAt = matrix * inner * columns + (transposeB == 1 ? column * inner : column);
      int aStep = transposeA == 1 ? rows : 1;
      int bStep = transposeB == 1 ? 1 : columns;
      float total = 0.0;
      for (int k = 0; k < inner; k++) total += getA(aAt + k * aStep) * getB(bAt + k * bStep);
      return ${bias ? 'total + getBias(column)' : 'total'};
    `,
  });
}

function run(
  backend: MathBackendWebGL,
  name: string,
  inputs: Record<string, TensorInfo>,
  attrs: Record<string, boolean>,
): TensorInfo {
  return getKernel(name, 'webgl').kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

const matMul: Kernel = (backend, { a, b }, attrs) => {
  const transposes = { transposeA: Boolean(attrs.transposeA), transposeB: Boolean(attrs.transposeB) };
  return [small(backend, a, b, undefined, transposes) ?? run(backend, BatchMatMul, { a, b }, transposes)];
};

const linear: Kernel = (backend, { x, weight, bias }, { transposed }) => {
  const transposes = { transposeA: false, transposeB: Boolean(transposed) };
  const inOne = small(backend, x, weight, bias, transposes);
  if (inOne !== undefined) return [inOne];
  const flat = (tensor: TensorInfo) => ({ ...tensor, shape: [1, ...tensor.shape] });
  const inputs = { a: flat(x), b: flat(weight), ...(bias && { bias }) };
  const y = run(backend, _FusedMatMul, inputs, transposes); // [1, N, O]
  return [{ ...y, shape: y.shape.slice(1) }];
};

export const matMulKernels: Readonly<Record<string, Kernel>> = { MatMul: matMul, Linear: linear };
