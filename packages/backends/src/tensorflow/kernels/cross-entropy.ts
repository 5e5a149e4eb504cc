import type { RawKernel } from './raw-kernel.ts';

export const crossEntropyKernels: Readonly<Record<string, RawKernel>> = {
  /** What TensorFlow computes beside the losses is the gradient itself, `[N, V]`, and that is kept for it. */
  CrossEntropy: (ops, { logits, targets }, attrs) => {
    const { ignoreIndex, labelSmoothing } = attrs as { ignoreIndex: number; labelSmoothing: number };
    const counts = ops.differsFrom(targets, ignoreIndex); // [N]
    const labels = ops.maskIds(targets, counts); // an ignored target reads class 0
    const vocabSize = logits.shape[1];
    const share = labelSmoothing / vocabSize;
    const [losses, dLogits] =
      labelSmoothing > 0
        ? ops.crossEntropy(logits, ops.oneHot(labels, vocabSize, 1 - labelSmoothing + share, share))
        : ops.sparseCrossEntropy(logits, labels);
    return [ops.mul(losses, counts), dLogits];
  },

  CrossEntropyGrad: (ops, { dy, targets, logSumExp: dLogits }, attrs) => {
    const counted = ops.mul(dy, ops.differsFrom(targets, attrs.ignoreIndex as number)); // [N]
    return [ops.mul(dLogits, ops.reshape(counted, [-1, 1]))];
  },
};
