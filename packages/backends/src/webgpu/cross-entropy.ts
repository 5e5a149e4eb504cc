import { dispatch, groupsFor, LANES, reductions } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** Rows `[N, V]`, a workgroup each. */
const crossEntropy: Kernel = (backend, { logits, targets }, attrs) => {
  const { ignoreIndex, labelSmoothing } = attrs as { ignoreIndex: number; labelSmoothing: number };
  const [rows, vocabSize] = logits.shape;
  const { losses, logSumExp } = dispatch(backend, {
    name: 'CrossEntropy',
    inputs: { logits, targets },
    outputs: { losses: [rows], logSumExp: [rows] },
    ints: { vocabSize, ignoreIndex },
    floats: { labelSmoothing },
    declarations: reductions,
    code: `
      let begin = group * sizes.vocabSize;
      var most = logits[begin];
      for (var v = lane; v < sizes.vocabSize; v += ${LANES}) { most = max(most, logits[begin + v]); }
      let greatest = reduceMax(most, lane);
      var exponentials = 0.0;
      var differences = 0.0;
      for (var v = lane; v < sizes.vocabSize; v += ${LANES}) {
        let shifted = logits[begin + v] - greatest;
        exponentials += exp(shifted);
        differences += shifted;
      }
      let logSum = log(reduceSum(exponentials, lane));
      let uniformLoss = logSum - reduceSum(differences, lane) / f32(sizes.vocabSize);
      if (lane != 0) { return; }
      logSumExp[group] = greatest + logSum;
      let expected = targets[group];
      var loss = 0.0;
      if (expected != sizes.ignoreIndex) {
        loss = mix(logSum - (logits[begin + expected] - greatest), uniformLoss, sizes.labelSmoothing);
      }
      losses[group] = loss;
    `,
    groups: rows,
  });
  return [losses, logSumExp];
};

const crossEntropyGrad: Kernel = (backend, { dy, logits, targets, logSumExp }, attrs) => {
  const { ignoreIndex, labelSmoothing } = attrs as { ignoreIndex: number; labelSmoothing: number };
  const [rows, vocabSize] = logits.shape;
  const size = rows * vocabSize;
  const { dLogits } = dispatch(backend, {
    name: 'CrossEntropyGrad',
    inputs: { dy, logits, targets, logSumExp },
    outputs: { dLogits: logits.shape },
    ints: { size, vocabSize, ignoreIndex },
    floats: { labelSmoothing },
    code: `
      let i = group * ${LANES} + lane;
      if (i >= sizes.size) { return; }
      let row = i / sizes.vocabSize;
      var expected = sizes.labelSmoothing / f32(sizes.vocabSize);
      if (i - row * sizes.vocabSize == targets[row]) { expected += 1.0 - sizes.labelSmoothing; }
      let d = dy[row] * (exp(logits[i] - logSumExp[row]) - expected);
      dLogits[i] = select(d, 0.0, targets[row] == sizes.ignoreIndex);
    `,
    groups: groupsFor(size),
  });
  return [dLogits];
};

export const crossEntropyKernels: Readonly<Record<string, Kernel>> = {
  CrossEntropy: crossEntropy,
  CrossEntropyGrad: crossEntropyGrad,
};
