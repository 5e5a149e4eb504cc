import { allowedIds } from './processors/allowed-ids.ts';
import { epsilonCutoff, etaCutoff, minP } from './processors/cutoff.ts';
import { minLength } from './processors/min-length.ts';
import { noRepeatNgram } from './processors/no-repeat-ngram.ts';
import { countPenalties, repetitionPenalty } from './processors/penalties.ts';
import type { LogitsProcessor, LogitsWarper } from './processors/processor.ts';
import { badWords, type SequenceBias, sequenceBias } from './processors/sequence-bias.ts';
import { temperature as divideBy } from './processors/temperature.ts';
import { topH } from './processors/top-h.ts';
import { topK } from './processors/top-k.ts';
import { topP } from './processors/top-p.ts';
import { typicalP } from './processors/typical-p.ts';

/** What may come next, whatever the way of choosing. The text so far includes the prompt. */
export interface ConstraintOptions {
  /** Generation ends after one of these ids, which is still yielded. */
  readonly endIds?: readonly number[];
  /** No end id before the text, prompt included, has this many ids. */
  readonly minLength?: number;
  /** Added to the logits of tokens or sequences of tokens. */
  readonly logitBias?: readonly SequenceBias[];
  /** See `repetitionPenalty`. */
  readonly repetitionPenalty?: number;
  /** See `countPenalties`. */
  readonly frequencyPenalty?: number;
  /** See `countPenalties`. */
  readonly presencePenalty?: number;
  /** No sequence of this many tokens twice. */
  readonly noRepeatNgramSize?: number;
  /** Sequences of ids that do not occur. */
  readonly badWords?: readonly (readonly number[])[];
  /** No ids but these. */
  readonly allowedIds?: readonly number[];
  /** Processors of one's own, after those above. */
  readonly processors?: readonly LogitsProcessor[];
}

/** How to draw from what may come next. */
export interface WarpingOptions {
  /** Default 1. 0 takes the likeliest token every time; the other settings here and `rng` then change nothing. */
  readonly temperature?: number;
  /** See `topH`. */
  readonly topH?: number;
  /** Draw from this many of the likeliest tokens only. */
  readonly topK?: number;
  /** Draw from the likeliest tokens only, whose probabilities sum to this. */
  readonly topP?: number;
  /** Draw only from tokens with at least this share of the likeliest one's probability. */
  readonly minP?: number;
  /** See `typicalP`. */
  readonly typicalP?: number;
  /** Draw only from tokens with at least this probability. */
  readonly epsilonCutoff?: number;
  /** See `etaCutoff`. */
  readonly etaCutoff?: number;
}

/** The processors that these options ask for, in transformers' order. @throws ConfigError */
export function constraints({
  endIds = [],
  processors = [],
  ...options
}: ConstraintOptions): LogitsProcessor[] {
  const { frequencyPenalty: frequency, presencePenalty: presence } = options;
  return [
    ...when(options.logitBias, sequenceBias),
    ...when(options.repetitionPenalty, repetitionPenalty),
    ...when(frequency ?? presence, () => countPenalties({ frequency, presence })),
    ...when(options.noRepeatNgramSize, noRepeatNgram),
    ...when(options.badWords, badWords),
    ...when(options.minLength, (length) => minLength(length, endIds)),
    ...when(options.allowedIds, allowedIds),
    ...processors,
  ];
}

/** The processors that these options ask for, in transformers' order. @throws ConfigError */
export function warpers({ temperature = 1, ...options }: WarpingOptions): LogitsWarper[] {
  return [
    ...when(temperature === 0 || temperature === 1 ? undefined : temperature, divideBy),
    ...when(options.topH, topH),
    ...when(options.topK, topK),
    ...when(options.topP, topP),
    ...when(options.minP, minP),
    ...when(options.typicalP, typicalP),
    ...when(options.epsilonCutoff, epsilonCutoff),
    ...when(options.etaCutoff, etaCutoff),
  ];
}

function when<T, P>(setting: T | undefined, make: (setting: T) => P): P[] {
  return setting === undefined ? [] : [make(setting)];
}
