import type { TokenBatch } from '@minigpt/core';
import type { BatchesOptions } from './batches.ts';
import { checkPositive } from './check-positive.ts';
import { TooFewTokensError } from './errors.ts';
import { gather } from './gather.ts';
import { permuted } from './permuted.ts';

/**
 * Shuffled training batches: the stream is cut into windows of T tokens, and each epoch goes through all of them once, in an
 * order of its own. What comes back is a pure function of the key and the step, and no order is kept in memory: the place of a
 * window is computed (`permuted`). What does not fill a window at the end shifts the cuts from epoch to epoch.
 *
 * @throws TooFewTokensError where there is not one window with its target; ConfigError
 */
export function shuffledBatches({
  tokens,
  blockSize,
  batchSize,
  rng,
}: BatchesOptions): (step: number) => TokenBatch {
  checkPositive({ blockSize, batchSize });
  if (tokens.length <= blockSize) {
    throw new TooFewTokensError(tokens.length, blockSize + 1, `Training with a context of ${blockSize}`);
  }
  const count = Math.floor((tokens.length - 1) / blockSize); // windows an epoch
  const spare = tokens.length - 1 - count * blockSize;

  const start = (position: number): number => {
    const epoch = rng.fold(Math.floor(position / count));
    const shift = Math.floor(epoch.fold('shift').unit() * (spare + 1));
    return shift + permuted(position % count, count, epoch) * blockSize;
  };
  return (step) => {
    const starts = Float64Array.from({ length: batchSize }, (_, row) => start(step * batchSize + row));
    return gather(tokens, starts, blockSize);
  };
}
