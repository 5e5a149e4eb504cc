import type { RawKernel } from './raw-kernel.ts';

/** In place of tfjs-node's, which reads all indices on the host to check them; TensorFlow's own does that itself. */
export const gatherKernels: Readonly<Record<string, RawKernel>> = {
  GatherV2: (ops, { x, indices }, { axis, batchDims }) => [
    ops.gather(x, indices, axis as number, batchDims as number),
  ],
};
