import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  Identity,
  type KernelFunc,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/**
 * A clone in the memory of the original, which nobody writes to while both are there. tfjs copies it, and it clones every tensor
 * that a gradient keeps.
 */
const identity: KernelFunc = ({ inputs, backend }) => {
  const { dataId, shape, dtype } = inputs.x as TensorInfo;
  (backend as BackendWasm).incRef(dataId);
  return { dataId, shape, dtype };
};

export function registerIdentity(): void {
  unregisterKernel(Identity, 'wasm');
  registerKernel({ kernelName: Identity, backendName: 'wasm', kernelFunc: identity });
}
