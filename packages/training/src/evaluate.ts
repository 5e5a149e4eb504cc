import { ConfigError, Context, type LanguageModel, type TokenBatch } from '@minigpt/core';
import { batchLoss } from './batch-loss.ts';
import { nextTask } from './next-task.ts';

export interface EvaluateOptions {
  readonly model: LanguageModel;
  /** Such as `windows` of `@minigpt/data`, which cover a whole split. */
  readonly batches: Iterable<TokenBatch>;
}

/** How well a model predicts a text. */
export interface Evaluation {
  /** Mean nats per token; its exponential is the perplexity. */
  readonly loss: number;
  /** How many tokens were predicted. */
  readonly tokens: number;
}

/**
 * Measures the loss without training: the mean over all tokens of all batches, so a shorter batch weighs less. Means are
 * summed up in float64.
 *
 * @throws ConfigError if there is no batch; TokenRangeError
 */
export async function evaluate({ model, batches }: EvaluateOptions): Promise<Evaluation> {
  let nats = 0;
  let tokens = 0;
  for (const batch of batches) {
    const measured = batchLoss(model, () => batch, Context.evaluation());
    const [loss] = await measured.loss.data();
    measured.loss.dispose();
    nats += loss * measured.tokens;
    tokens += measured.tokens;
    await nextTask();
  }
  if (tokens === 0) {
    throw new ConfigError(
      'batches',
      'An evaluation needs at least one batch, but none came; give it a longer text.',
    );
  }
  return { loss: nats / tokens, tokens };
}
