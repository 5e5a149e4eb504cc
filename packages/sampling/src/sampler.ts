import type { Rng } from '@minigpt/core';
import { maxLogit } from './distribution.ts';
import { expOfNegative } from './exp-of-negative.ts';

/** Picks an id from one row of logits `[V]`. What it picks depends on the row and the key alone. */
export type Sampler = (logits: Float32Array, rng: Rng) => number;

/**
 * The likeliest token; of several, the one with the lowest id.
 *
 * @throws LogitsError where the row is no distribution
 */
export const greedy: Sampler = (logits) => logits.indexOf(maxLogit(logits));

/**
 * A token drawn with probability softmax(logits): the first at which the running sum, in float64 and in the order of the
 * ids, exceeds a uniform draw from `rng`. Backends differ in the last bits of a logit, which moves the sums by some 1e-7,
 * so a seed gives the same ids on all of them but for one draw in millions.
 *
 * @throws LogitsError where the row is no distribution
 */
export const multinomial: Sampler = (logits, rng) => {
  const max = maxLogit(logits);
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    weights[id] = expOfNegative(logits[id] - max);
    total += weights[id];
  }
  const target = rng.unit() * total;
  let sum = 0;
  let drawn = 0;
  for (let id = 0; id < logits.length && sum <= target; id++) {
    if (weights[id] === 0) continue; // never drawn, not even where rounding puts the target at the total
    sum += weights[id];
    drawn = id;
  }
  return drawn;
};
