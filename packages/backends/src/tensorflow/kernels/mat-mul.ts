import type { RawKernel } from './raw-kernel.ts';

export const matMulKernels: Readonly<Record<string, RawKernel>> = {
  MatMul: (ops, { a, b }, { transposeA, transposeB }) => [
    ops.matMul(a, b, transposeA as boolean, transposeB as boolean),
  ],

  Linear: (ops, { x, weight, bias }, { transposed }) => {
    const y = ops.matMul(x, weight, false, transposed as boolean); // [N, O]
    return [bias === undefined ? y : ops.biasAdd(y, bias)];
  },
};
