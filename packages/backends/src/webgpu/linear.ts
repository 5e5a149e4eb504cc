import { _FusedMatMul, getKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Kernel } from './kernel.ts';

/** tfjs's product adds a bias in the same dispatch; it takes three dimensions. */
const linear: Kernel = (backend, { x, weight, bias }, { transposed }) => {
  const flat = (tensor: TensorInfo) => ({ ...tensor, shape: [1, ...tensor.shape] });
  const y = getKernel(_FusedMatMul, 'webgpu').kernelFunc({
    inputs: { a: flat(x), b: flat(weight), ...(bias && { bias }) },
    attrs: { transposeA: false, transposeB: Boolean(transposed) },
    backend,
  }) as TensorInfo; // [1, N, O]
  return [{ ...y, shape: y.shape.slice(1) }];
};

export const linearKernels: Readonly<Record<string, Kernel>> = { Linear: linear };
