import {
  type Context,
  feed,
  type HostTensor,
  type LanguageModel,
  type TokenBatch,
  TokenRangeError,
} from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { reshape, type Scalar, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** A loss on the device, and what it is the mean of. */
export interface BatchLoss {
  /** Mean nats per token. */
  readonly loss: Scalar;
  /** How many targets the loss averages: B · T'. */
  readonly tokens: number;
}

/**
 * The cross-entropy of a batch's targets under the model, for training and evaluation alike.
 *
 * A model may answer for the last T' of the T positions only; then the targets of these positions count, and no others.
 *
 * @param batch enters through `feed`, so a step that is compiled asks for it again in each run.
 * @throws TokenRangeError if an id is not in the model's vocabulary
 */
export function batchLoss(model: LanguageModel, batch: () => TokenBatch, ctx: Context): BatchLoss {
  const ids = (data: Int32Array, shape: readonly number[]): HostTensor => {
    checkIds(data, model.vocabSize);
    return { dtype: 'int32', shape, data };
  };
  let tokens = 0;
  const loss = tidy(() => {
    const inputs = feed(() => ids(batch().inputs, batch().shape)) as Tensor2D; // [B, T]
    const logits = model.call(inputs, ctx); // [B, T', V]
    const [rows, answered, vocabSize] = logits.shape;
    tokens = rows * answered;
    const targets = feed(() => ids(lastColumns(batch(), answered), [tokens])) as Tensor1D; // [B · T']
    return crossEntropy(reshape(logits, [tokens, vocabSize]) as Tensor2D, targets);
  });
  return { loss, tokens };
}

/** The last `count` targets of each row. */
function lastColumns({ targets, shape: [rows, blockSize] }: TokenBatch, count: number): Int32Array {
  if (count === blockSize) return targets;
  const last = new Int32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * blockSize;
    last.set(targets.subarray(end - count, end), row * count);
  }
  return last;
}

function checkIds(ids: Int32Array, vocabSize: number): void {
  for (const id of ids) if (id < 0 || id >= vocabSize) throw new TokenRangeError(id, vocabSize);
}
