import { ConfigError } from '@minigpt/core';
import type { LogitsProcessor } from './processor.ts';

export interface SequenceBias {
  /** One id or several in a row. */
  readonly ids: readonly number[];
  /** Added to the logit of the last id wherever the others stand just before it; -Infinity rules it out. */
  readonly bias: number;
}

/**
 * Makes tokens, or sequences of tokens, likelier or less likely (`logit_bias`, `sequence_bias`). Biases on one token add up.
 *
 * @throws ConfigError for an empty sequence, and for a bias that is NaN or Infinity
 */
export function sequenceBias(biases: readonly SequenceBias[]): LogitsProcessor {
  for (const { ids, bias } of biases) {
    if (ids.length === 0)
      throw new ConfigError('ids', 'A biased sequence must have at least one id, but it is empty.');
    if (!(bias < Number.POSITIVE_INFINITY))
      throw new ConfigError('bias', `bias must be a finite number or -Infinity, but ${bias} came.`);
  }
  return (logits, ids) => {
    const row = logits.slice();
    for (const { ids: sequence, bias } of biases) {
      const last = sequence.length - 1;
      const before = ids.length - last;
      if (before >= 0 && sequence.every((id, i) => i === last || ids[before + i] === id))
        row[sequence[last]] += bias;
    }
    return row;
  };
}

/** Rules out each of these sequences of ids: its last id where the others stand just before it. @throws ConfigError */
export function badWords(sequences: readonly (readonly number[])[]): LogitsProcessor {
  return sequenceBias(sequences.map((ids) => ({ ids, bias: Number.NEGATIVE_INFINITY })));
}
