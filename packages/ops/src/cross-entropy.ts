import {
  add,
  cast,
  div,
  exp,
  gatherND,
  log,
  max,
  mean,
  mul,
  notEqual,
  range,
  reshape,
  type Scalar,
  scatterND,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

export interface CrossEntropyOptions {
  /** Rows with this target count for nothing. */
  readonly ignoreIndex?: number;
  /** ε in [0, 1): the target is `1 - ε` of the label plus ε spread over all classes (Szegedy et al. 2016). */
  readonly labelSmoothing?: number;
}

/**
 * `-log softmax(logits)[target]` of each row, in nats; 0 where the target is ignored.
 *
 * Targets are ids; no one-hot matrix is made. Kernels: `CrossEntropy` `{logits, targets}`, attributes `ignoreIndex` and
 * `labelSmoothing` → `[losses [N], logSumExp [N]]`; `CrossEntropyGrad` `{dy [N], logits, targets, logSumExp}` → `[dLogits]`.
 * In the place of `logSumExp` a backend may give whatever its gradient wants back.
 *
 * @param logits float32 `[N, V]`
 * @param targets int32 `[N]`, each in 0…V-1 or `ignoreIndex`
 * @returns float32 `[N]`
 */
export function tokenLosses(
  logits: Tensor2D,
  targets: Tensor1D,
  options: CrossEntropyOptions = {},
): Tensor1D {
  const { ignoreIndex = -100, labelSmoothing = 0 } = options;
  const attrs = { ignoreIndex, labelSmoothing };
  return withGradient([logits], (save) => {
    const fused = hasKernel('CrossEntropy');
    const [losses, logSumExp] = fused
      ? runKernel('CrossEntropy', { logits, targets }, attrs)
      : forward(logits, targets, attrs);
    save(logits, targets, logSumExp);
    return {
      value: losses as Tensor1D,
      backward: (dy, [logits, targets, logSumExp]) => {
        const inputs = { dy, logits, targets, logSumExp };
        return fused ? runKernel('CrossEntropyGrad', inputs, attrs) : [backward(inputs, attrs)];
      },
    };
  });
}

/**
 * The mean of {@link tokenLosses} over the rows that are not ignored, in nats per token; NaN if all are ignored.
 *
 * @param logits float32 `[N, V]`
 * @param targets int32 `[N]`
 * @returns a float32 scalar
 */
export function crossEntropy(logits: Tensor2D, targets: Tensor1D, options: CrossEntropyOptions = {}): Scalar {
  return tidy(() => {
    const losses = tokenLosses(logits, targets, options);
    return div(sum(losses), sum(countsAsFloat(targets, options.ignoreIndex ?? -100)));
  });
}

/** float32 `[N]`: 1 where the target counts, 0 where it is ignored. */
function countsAsFloat(targets: Tensor, ignoreIndex: number): Tensor {
  return cast(notEqual(targets, ignoreIndex), 'float32');
}

/** int32 `[N, 2]`: the row and the column of each label. */
function placesOf(labels: Tensor): Tensor2D {
  return stack([range(0, labels.size, 1, 'int32'), labels], 1) as Tensor2D;
}

type Attributes = Required<CrossEntropyOptions>;

function forward(logits: Tensor2D, targets: Tensor, { ignoreIndex, labelSmoothing }: Attributes): Tensor[] {
  const counts = countsAsFloat(targets, ignoreIndex);
  const labels = mul(targets, cast(counts, 'int32')); // an ignored target reads class 0
  const greatest = max(logits, -1, true); // [N, 1]
  const shifted = sub(logits, greatest); // [N, V]
  const logSum = log(sum(exp(shifted), -1)); // [N]
  const ofLabel = gatherND(shifted, placesOf(labels)); // [N]
  let losses = sub(logSum, ofLabel);
  if (labelSmoothing > 0) {
    const uniform = sub(logSum, mean(shifted, -1));
    losses = add(mul(losses, 1 - labelSmoothing), mul(uniform, labelSmoothing));
  }
  return [mul(losses, counts), add(logSum, reshape(greatest, [-1]))];
}

function backward(
  { dy, logits, targets, logSumExp }: Record<'dy' | 'logits' | 'targets' | 'logSumExp', Tensor>,
  { ignoreIndex, labelSmoothing }: Attributes,
): Tensor {
  const [rows, vocabSize] = logits.shape;
  const counts = countsAsFloat(targets, ignoreIndex);
  const labels = mul(targets, cast(counts, 'int32'));
  const scale = mul(dy, counts); // [N]
  const probabilities = exp(sub(logits, reshape(logSumExp, [-1, 1]))); // [N, V]
  const spread = labelSmoothing > 0 ? sub(probabilities, labelSmoothing / vocabSize) : probabilities;
  const atLabels = scatterND(placesOf(labels), mul(scale, labelSmoothing - 1), [rows, vocabSize]);
  return add(mul(spread, reshape(scale, [-1, 1])), atLabels);
}
