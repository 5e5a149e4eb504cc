import { ConfigError, type LanguageModel, Rng } from '@minigpt/core';
import { checkNatural, checkPrompt } from './checks.ts';
import { turnTaker } from './event-loop.ts';
import { describe, finished, type GeneratedToken, type GenerateOptions } from './generate.ts';
import { chain, checkCount } from './processors/processor.ts';
import { greedy } from './sampler.ts';
import { type ConstraintOptions, constraints } from './sampling-options.ts';
import { Session } from './session.ts';

export interface SpeculativeOptions
  extends ConstraintOptions,
    Pick<GenerateOptions, 'maxNewTokens' | 'stop' | 'signal' | 'topLogProbabilities'> {
  /** A smaller model with the same tokens. */
  readonly draft: LanguageModel;
  /** How many tokens the draft proposes at a time. Default 4. */
  readonly draftTokens?: number;
}

/**
 * Continues `ids` greedily, as `generate` does at temperature 0, and faster where a smaller model often guesses right: it
 * proposes some tokens, the model looks at all of them in one pass, and those before the first that it would not have chosen
 * stand, with its own choice after them (Leviathan, Kalman, Matias 2023, "Fast inference from transformers via speculative
 * decoding"; Stern, Shazeer, Uszkoreit 2018). So the text is the model's own, whatever the draft.
 *
 * @throws ConfigError, also where the vocabularies differ; else as `generate` does
 */
export function generateSpeculatively(
  model: LanguageModel,
  ids: readonly number[],
  options: SpeculativeOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { draft, draftTokens = 4, maxNewTokens = 100, topLogProbabilities = 0, signal } = options;
  checkPrompt(ids, model.vocabSize);
  checkCount('draftTokens', draftTokens);
  checkNatural('maxNewTokens', maxNewTokens);
  checkNatural('topLogProbabilities', topLogProbabilities);
  if (draft.vocabSize !== model.vocabSize) {
    throw new ConfigError(
      'draft',
      `draft must have the model's vocabulary of ${model.vocabSize} tokens, but it has one of ${draft.vocabSize}.`,
    );
  }
  const process = chain(constraints(options));
  const unused = new Rng(0); // greedy draws nothing
  const choose = (logits: Float32Array, before: readonly number[]) => greedy(process(logits, before), unused);

  async function* continuation(): AsyncGenerator<GeneratedToken, void, undefined> {
    const sequence = [...ids];
    const takeTurn = turnTaker();
    const [large, small] = [new Session(model), new Session(draft)];
    try {
      for (let count = 0; count < maxNewTokens; ) {
        await takeTurn();
        signal?.throwIfAborted();
        // Places in one pass share what they see, so none may lie beyond the context.
        const room = Math.max(0, model.blockSize - sequence.length);
        const proposed = [...sequence];
        for (let i = Math.min(draftTokens, room, maxNewTokens - count - 1); i > 0; i--) {
          const [logits] = await small.nextLogits([proposed]);
          proposed.push(choose(logits, proposed));
        }
        const places = proposed.length - sequence.length + 1;
        const rows = await large.lastLogits(proposed, places);
        for (const logits of rows) {
          const id = choose(logits, sequence);
          const guessed = id === proposed[sequence.length];
          sequence.push(id);
          count++;
          const finishReason = finished(sequence, count, { ...options, maxNewTokens });
          yield { ...describe(logits, id, topLogProbabilities), finishReason };
          if (finishReason !== undefined) return;
          if (!guessed) break;
        }
      }
    } finally {
      large.dispose();
      small.dispose();
    }
  }
  return continuation();
}
