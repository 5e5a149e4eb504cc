import type { RawKernel } from './raw-kernel.ts';

export const embeddingKernels: Readonly<Record<string, RawKernel>> = {
  EmbeddingGrad: (ops, { ids, dy }, { vocabSize }) => [ops.unsortedSegmentSum(dy, ids, vocabSize as number)],
};
