import type { Rng, TokenBatch } from '@minigpt/core';
import { checkPositive } from './check-positive.ts';
import { TooFewTokensError } from './errors.ts';
import { gather } from './gather.ts';
import type { TokenSequence } from './token-sequence.ts';

export interface WindowOptions {
  readonly tokens: TokenSequence;
  /** T: tokens a window. */
  readonly blockSize: number;
  /** B: windows a batch. */
  readonly batchSize: number;
}

export interface EvaluationWindowOptions extends WindowOptions {
  /**
   * Tokens that a window repeats from the end of the one before. A model that answers only from its C-th position on needs
   * C - 1 of them, so that no target but the first C - 1 is left out. Default 0.
   */
  readonly overlap?: number;
}

export interface BatchesOptions extends WindowOptions {
  /** The key that the starts are drawn with. */
  readonly rng: Rng;
}

/**
 * Random training batches: B windows that start anywhere, uniformly and independently (nanoGPT's `get_batch`). What comes
 * back is a pure function of the key and the step, so a resumed run sees the batches that it would have seen.
 *
 * @throws TooFewTokensError where there is not one window with its target; ConfigError
 */
export function batches({ tokens, blockSize, batchSize, rng }: BatchesOptions): (step: number) => TokenBatch {
  checkPositive({ blockSize, batchSize });
  if (tokens.length <= blockSize) {
    throw new TooFewTokensError(tokens.length, blockSize + 1, `Training with a context of ${blockSize}`);
  }
  return (step) => gather(tokens, rng.fold(step).integers(batchSize, tokens.length - blockSize), blockSize);
}

/**
 * Consecutive windows over the whole stream, for evaluation: without overlap each token but the first is a target exactly
 * once. The last batch is one shorter window with what is left. May be iterated any number of times.
 *
 * @throws TooFewTokensError where there is nothing to predict; ConfigError
 */
export function windows({
  tokens,
  blockSize,
  batchSize,
  overlap = 0,
}: EvaluationWindowOptions): Iterable<TokenBatch> {
  const stride = blockSize - overlap;
  checkPositive({ blockSize, batchSize, 'blockSize - overlap': stride });
  if (tokens.length < 2) throw new TooFewTokensError(tokens.length, 2, 'Evaluation');
  const predicted = tokens.length - 1;
  const whole = Math.max(0, Math.floor((predicted - overlap) / stride));
  const covered = whole === 0 ? 0 : whole * stride + overlap;
  return {
    *[Symbol.iterator]() {
      for (let first = 0; first < whole; first += batchSize) {
        const count = Math.min(batchSize, whole - first);
        const starts = Int32Array.from({ length: count }, (_, i) => (first + i) * stride);
        yield gather(tokens, starts, blockSize);
      }
      const start = whole * stride;
      if (covered < predicted) yield gather(tokens, Int32Array.of(start), predicted - start);
    },
  };
}
