import type { Kernel } from './kernel.ts';
import { runPass } from './pass.ts';

const crossEntropy: Kernel = (backend, { logits, targets }, attrs) => {
  const { ignoreIndex, labelSmoothing } = attrs as { ignoreIndex: number; labelSmoothing: number };
  const [rows, vocabSize] = logits.shape;
  const logSumExp = runPass(backend, [rows], {
    inputs: { logits },
    size: rows,
    ints: { vocabSize },
    value: `
      int begin = i * vocabSize;
      float greatest = getLogits(begin);
      for (int v = 1; v < vocabSize; v++) greatest = max(greatest, getLogits(begin + v));
      float total = 0.0;
      for (int v = 0; v < vocabSize; v++) total += exp(getLogits(begin + v) - greatest);
      return greatest + log(total);
    `,
  });
  const losses = runPass(backend, [rows], {
    inputs: { logits, targets, logSumExp },
    size: rows,
    ints: { vocabSize, ignoreIndex },
    floats: { labelSmoothing },
    value: `
      int target = int(round(getTargets(i)));
      if (target == ignoreIndex) return 0.0;
      int begin = i * vocabSize;
      float loss = getLogSumExp(i) - getLogits(begin + target);
      if (labelSmoothing == 0.0) return loss;
      float total = 0.0;
      for (int v = 0; v < vocabSize; v++) total += getLogSumExp(i) - getLogits(begin + v);
      return mix(loss, total / float(vocabSize), labelSmoothing);
    `,
  });
  return [losses, logSumExp];
};

const crossEntropyGrad: Kernel = (backend, inputs, attrs) => {
  const { ignoreIndex, labelSmoothing } = attrs as { ignoreIndex: number; labelSmoothing: number };
  const { shape } = inputs.logits;
  const [rows, vocabSize] = shape;
  return [
    runPass(backend, shape, {
      inputs,
      size: rows * vocabSize,
      ints: { vocabSize, ignoreIndex },
      floats: { labelSmoothing },
      value: `
        int row = i / vocabSize;
        int target = int(round(getTargets(row)));
        if (target == ignoreIndex) return 0.0;
        float expected = labelSmoothing / float(vocabSize);
        if (i - row * vocabSize == target) expected += 1.0 - labelSmoothing;
        return getDy(row) * (exp(getLogits(i) - getLogSumExp(row)) - expected);
      `,
    }),
  ];
};

export const crossEntropyKernels: Readonly<Record<string, Kernel>> = {
  CrossEntropy: crossEntropy,
  CrossEntropyGrad: crossEntropyGrad,
};
