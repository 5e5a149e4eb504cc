import { ConfigError, type LanguageModel, Rng, TokenRangeError } from '@minigpt/core';
import { logSumExp } from './distribution.ts';
import { PromptError } from './errors.ts';
import { turnTaker } from './event-loop.ts';
import { nextTokenLogits } from './next-token-logits.ts';
import { chain, type LogitsProcessor } from './processors/processor.ts';
import { temperature as divideBy } from './processors/temperature.ts';
import { topK as keepTopK } from './processors/top-k.ts';
import { topP as keepTopP } from './processors/top-p.ts';
import { greedy, multinomial, type Sampler } from './sampler.ts';

export interface GenerateOptions {
  /** How many tokens at most. Default 100. */
  readonly maxNewTokens?: number;
  /** Default 1. 0 takes the likeliest token every time; `topK`, `topP` and `rng` then change nothing. */
  readonly temperature?: number;
  /** Draw from this many of the likeliest tokens only. */
  readonly topK?: number;
  /** Draw from the likeliest tokens only, whose probabilities sum to this. */
  readonly topP?: number;
  /** The key of this text; the token at position i is drawn with `rng.fold(i)`. Default `new Rng(0)`. */
  readonly rng?: Rng;
  /** Generation ends after one of these ids, which is still yielded. */
  readonly endIds?: readonly number[];
  /** Asked after each token, with prompt and continuation so far: generation ends where it says true. */
  readonly stop?: (ids: readonly number[]) => boolean;
  /** Once aborted, the next token is not begun and the iterator throws the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface GeneratedToken {
  readonly id: number;
  /**
   * The natural logarithm of the probability that the model itself gave the token: before temperature, top-k and top-p, so
   * that it compares between ways of sampling and sums to the text's log-likelihood.
   */
  readonly logProbability: number;
}

/**
 * Continues `ids`, one token at a time; leaving the loop ends it.
 *
 * Each token is drawn on the host from the model's last row of logits: temperature, then top-k, then top-p, as transformers
 * orders them, then softmax. Ids beyond `model.blockSize` slide out of sight. What is drawn depends on the key and the
 * position alone: the same on every backend, and the same whether a text is generated in one go or continued.
 *
 * @throws PromptError, TokenRangeError, ConfigError at once; LogitsError at the token whose logits are no distribution
 */
export function generate(
  model: LanguageModel,
  ids: readonly number[],
  {
    maxNewTokens = 100,
    temperature = 1,
    topK,
    topP,
    rng = new Rng(0),
    endIds = [],
    stop = () => false,
    signal,
  }: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  checkPrompt(ids, model.vocabSize);
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new ConfigError(
      'maxNewTokens',
      `maxNewTokens must be a whole number of at least 0, but ${maxNewTokens} came.`,
    );
  }
  const process = chain(logitsProcessors({ temperature, topK, topP }));
  const pick: Sampler = temperature === 0 ? greedy : (logits, key) => multinomial(process(logits), key);

  async function* continuation() {
    const sequence = [...ids];
    const takeTurn = turnTaker();
    for (let count = 0; count < maxNewTokens; count++) {
      await takeTurn();
      signal?.throwIfAborted();
      const logits = await nextTokenLogits(model, sequence);
      const id = pick(logits, rng.fold(sequence.length));
      sequence.push(id);
      yield { id, logProbability: logits[id] - logSumExp(logits) };
      if (endIds.includes(id) || stop(sequence)) return;
    }
  }
  return continuation();
}

/** The processors that these options ask for, in transformers' order. @throws ConfigError */
function logitsProcessors({
  temperature,
  topK,
  topP,
}: {
  readonly temperature: number;
  readonly topK: number | undefined;
  readonly topP: number | undefined;
}): LogitsProcessor[] {
  const processors: LogitsProcessor[] = [];
  if (temperature !== 0 && temperature !== 1) processors.push(divideBy(temperature));
  if (topK !== undefined) processors.push(keepTopK(topK));
  if (topP !== undefined) processors.push(keepTopP(topP));
  return processors;
}

function checkPrompt(ids: readonly number[], vocabSize: number): void {
  if (ids.length === 0) {
    throw new PromptError(0, 'Generation continues a text, but no token came; give at least one id.');
  }
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) throw new TokenRangeError(id, vocabSize);
  }
}
