import { ConfigError, type LanguageModel, Rng } from '@minigpt/core';
import { checkNatural, checkPrompt } from './checks.ts';
import { likeliest, logSumExp } from './distribution.ts';
import { turnTaker } from './event-loop.ts';
import { FixedKVCache } from './kv-cache/fixed.ts';
import { chain } from './processors/processor.ts';
import { greedy, multinomial, type Sampler } from './sampler.ts';
import { type ConstraintOptions, constraints, type WarpingOptions, warpers } from './sampling-options.ts';
import { Session } from './session.ts';
import type { CompileDecoding } from './token-steps.ts';

export interface GenerateOptions extends ConstraintOptions, WarpingOptions {
  /** How many tokens at most. Default 100. */
  readonly maxNewTokens?: number;
  /** The key of this text; the token at position i is drawn with `rng.fold(i)`. Default `new Rng(0)`. */
  readonly rng?: Rng;
  /** Report the log-probabilities of this many of the likeliest tokens at each place. Default 0. */
  readonly topLogProbabilities?: number;
  /** Asked after each token, with prompt and continuation so far: generation ends where it says true. */
  readonly stop?: (ids: readonly number[]) => boolean;
  /** Once aborted, the next token is not begun and the iterator throws the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * What the model has read before: only what follows the common beginning is read now. It stays the caller's, to be
   * continued or disposed. Default: one of its own, with a cache of fixed capacity, disposed at the end.
   */
  readonly session?: Session;
  /** See `CompileDecoding`. Default `auto`; a `session` has its own. */
  readonly compile?: CompileDecoding;
}

export interface TokenProbability {
  readonly id: number;
  /**
   * The natural logarithm of the probability that the model itself gave the token: before all processors, so that it
   * compares between ways of sampling and sums to the text's log-likelihood.
   */
  readonly logProbability: number;
}

/** Why a text ends: an end id, the option `stop` or a stop string, or `maxNewTokens`. */
export type FinishReason = 'end' | 'stop' | 'length';

export interface GeneratedToken extends TokenProbability {
  /** The likeliest tokens at this place, best first: as many as `topLogProbabilities` asked for. */
  readonly alternatives: readonly TokenProbability[];
  /** Given with the last token. */
  readonly finishReason: FinishReason | undefined;
}

export interface BatchToken extends GeneratedToken {
  /** Which of the prompts the token continues. */
  readonly row: number;
}

/**
 * Continues `ids`, one token at a time; leaving the loop ends it.
 *
 * The prompt is read in one pass and then each token in one of its own, over a cache; a model without attention reads all
 * anew. Each token is drawn on the host from the model's last row of logits: the constraints, then temperature, top-k, top-p
 * and the other cuts, as transformers orders them, then softmax. Ids beyond `model.blockSize` slide out of sight: see
 * `Session`. What is drawn depends on the key and the position alone: the same on every backend, and the same whether a text
 * is generated in one go or continued.
 *
 * @throws PromptError, TokenRangeError, ConfigError at once; LogitsError at the token whose logits are no distribution
 */
export function generate(
  model: LanguageModel,
  ids: readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  return continueTexts(model, [ids], () => options.rng ?? new Rng(0), options);
}

/**
 * Continues several prompts of any lengths side by side: one pass and one wait on the device for a token of each. The tokens
 * of a step come in the order of the rows; a row that has ended leaves the batch. Row r is what `generate` gives with the key
 * `rng.fold(r)`, up to the rounding of sums in another order.
 *
 * @throws as `generate` does; ConfigError where there is no prompt
 */
export function generateBatch(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  { rng = new Rng(0), ...options }: Omit<GenerateOptions, 'session'> = {},
): AsyncGenerator<BatchToken, void, undefined> {
  if (prompts.length === 0)
    throw new ConfigError('prompts', 'prompts must have at least one, but it is empty.');
  return continueTexts(model, prompts, (row) => rng.fold(row), options);
}

/** @param keyOf the key of each row's text */
function continueTexts(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  keyOf: (row: number) => Rng,
  options: GenerateOptions,
): AsyncGenerator<BatchToken, void, undefined> {
  const { maxNewTokens = 100, topLogProbabilities = 0, signal } = options;
  for (const prompt of prompts) checkPrompt(prompt, model.vocabSize);
  checkNatural('maxNewTokens', maxNewTokens);
  checkNatural('topLogProbabilities', topLogProbabilities);
  if (options.session !== undefined && options.session.model !== model) {
    throw new ConfigError(
      'session',
      'session must be one with the model that generates, but it has another.',
    );
  }
  const process = chain([...constraints(options), ...warpers(options)]);
  const pick: Sampler = options.temperature === 0 ? greedy : multinomial;
  const longest = Math.max(...prompts.map((prompt) => prompt.length));

  async function* continuations() {
    let open = prompts.map((prompt, row) => ({ row, ids: [...prompt], key: keyOf(row) }));
    const takeTurn = turnTaker();
    const session = options.session ?? sessionFor(model, longest + maxNewTokens, options.compile);
    try {
      for (let count = 1; count <= maxNewTokens && open.length > 0; count++) {
        await takeTurn();
        signal?.throwIfAborted();
        const logits = await session.nextLogits(open.map(({ ids }) => ids));
        const goOn: number[] = [];
        for (const [i, { row, ids, key }] of open.entries()) {
          const id = pick(process(logits[i], ids), key.fold(ids.length));
          ids.push(id);
          const finishReason = finished(ids, count, { ...options, maxNewTokens });
          if (finishReason === undefined) goOn.push(i);
          yield { row, ...describe(logits[i], id, topLogProbabilities), finishReason } as const;
        }
        if (goOn.length > 0 && goOn.length < open.length) session.reorder(goOn);
        open = goOn.map((i) => open[i]);
      }
    } finally {
      if (session !== options.session) session.dispose();
    }
  }
  return continuations();
}

/** A session with room for a text of that length, or for the model's context where that is shorter. */
export function sessionFor(model: LanguageModel, length: number, compile?: CompileDecoding): Session {
  const cache = new FixedKVCache({ capacity: Math.min(length, model.blockSize) });
  return new Session(model, { cache, compile });
}

/** Whether the text ends with its last id, the `count`th that was generated, and why. */
export function finished(
  ids: readonly number[],
  count: number,
  { endIds = [], stop = never, maxNewTokens }: Pick<GenerateOptions, 'endIds' | 'stop' | 'maxNewTokens'>,
): FinishReason | undefined {
  if (endIds.includes(ids[ids.length - 1])) return 'end';
  if (stop(ids)) return 'stop';
  return count === maxNewTokens ? 'length' : undefined;
}

const never = () => false;

/** A token with its log-probability and its `count` likeliest alternatives. */
export function describe(logits: Float32Array, chosen: number, count: number) {
  const logTotal = logSumExp(logits);
  const probability = (id: number) => ({ id, logProbability: logits[id] - logTotal });
  return { ...probability(chosen), alternatives: likeliest(logits, count).map(probability) };
}
