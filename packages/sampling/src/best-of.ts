import { type LanguageModel, Rng } from '@minigpt/core';
import type { ScoredText } from './beam-search.ts';
import { type GenerateOptions, generate, sessionFor, type TokenProbability } from './generate.ts';
import { checkCount } from './processors/processor.ts';

export interface BestOfOptions extends Omit<GenerateOptions, 'session' | 'topLogProbabilities'> {
  /** How many texts are drawn and returned. Default 4. */
  readonly count?: number;
}

/**
 * Draws several continuations of one prompt, which is read once, and returns them best first: by the log-probability per
 * token that the model gives them (`best_of` of OpenAI's API). Text k is what
 * `generate` gives with the key `rng.fold(k)`.
 *
 * @throws as `generate` does
 */
export async function bestOf(
  model: LanguageModel,
  ids: readonly number[],
  { count = 4, rng = new Rng(0), maxNewTokens = 100, ...options }: BestOfOptions = {},
): Promise<ScoredText[]> {
  checkCount('count', count);
  const session = sessionFor(model, ids.length + maxNewTokens, options.compile); // goes back to the prompt for each text
  const texts: ScoredText[] = [];
  try {
    for (let k = 0; k < count; k++) {
      const text: TokenProbability[] = [];
      const tokens = generate(model, ids, { ...options, maxNewTokens, rng: rng.fold(k), session });
      for await (const token of tokens) text.push(token);
      const logProbability = text.reduce((sum, token) => sum + token.logProbability, 0);
      texts.push({
        ids: text.map(({ id }) => id),
        logProbability,
        score: logProbability / Math.max(1, text.length),
      });
    }
  } finally {
    session.dispose();
  }
  return texts.sort((a, b) => b.score - a.score);
}
