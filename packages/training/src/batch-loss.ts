import { type Context, type LanguageModel, type TokenBatch, TokenRangeError } from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { reshape, type Scalar, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';

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
 * @throws TokenRangeError if an id is not in the model's vocabulary
 */
export function batchLoss(model: LanguageModel, batch: TokenBatch, ctx: Context): BatchLoss {
  const [rows, blockSize] = batch.shape;
  checkIds(batch.inputs, model.vocabSize);
  checkIds(batch.targets, model.vocabSize);
  let answered = blockSize;
  const loss = tidy(() => {
    const logits = model.call(tensor2d(batch.inputs, [rows, blockSize], 'int32'), ctx); // [B, T', V]
    answered = logits.shape[1];
    const targets = lastColumns(batch, answered); // [B · T']
    return crossEntropy(reshape(logits, [targets.length, -1]) as Tensor2D, tensor1d(targets, 'int32'));
  });
  return { loss, tokens: rows * answered };
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
