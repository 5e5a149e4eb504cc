import { ConfigError } from '@minigpt/core';
import { checkFinite, type LogitsProcessor } from './processor.ts';

/**
 * Makes every token of the text so far less likely: positive logits are divided by `penalty`, negative ones multiplied
 * (Keskar et al. 2019, "CTRL"). Below 1 it makes them likelier.
 *
 * @throws ConfigError
 */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  if (!(penalty > 0 && penalty < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(
      'repetitionPenalty',
      `repetitionPenalty must be above 0 and finite, but ${penalty} came.`,
    );
  }
  return (logits, ids) => {
    const row = logits.slice();
    for (const id of new Set(ids)) row[id] = row[id] < 0 ? row[id] * penalty : row[id] / penalty;
    return row;
  };
}

export interface CountPenalties {
  /** Subtracted from a token's logit each time it stands in the text so far. Default 0. */
  readonly frequency?: number;
  /** Subtracted from the logit of every token of the text so far, however often it stands there. Default 0. */
  readonly presence?: number;
}

/**
 * `logit - count · frequency - (count > 0 ? presence : 0)`, where `count` says how often the token stands in the text so far,
 * prompt included (OpenAI's API reference, `frequency_penalty` and `presence_penalty`).
 *
 * @throws ConfigError
 */
export function countPenalties({ frequency = 0, presence = 0 }: CountPenalties): LogitsProcessor {
  checkFinite('frequencyPenalty', frequency);
  checkFinite('presencePenalty', presence);
  return (logits, ids) => {
    const counts = new Map<number, number>();
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    const row = logits.slice();
    for (const [id, count] of counts) row[id] -= count * frequency + presence;
    return row;
  };
}
