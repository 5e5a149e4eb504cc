import { maxLogit } from '../distribution.ts';
import type { LogitsWarper } from './processor.ts';

/** Logits to log-probabilities, in nats. Throws LogitsError where the row is no distribution. */
export const logSoftmax: LogitsWarper = (logits) => {
  // Relative to the largest, whose own weight of 1 is left to log1p: so a probability near 1 keeps its digits.
  const max = maxLogit(logits);
  const likeliest = logits.indexOf(max);
  const others = logits.reduce((sum, logit, id) => (id === likeliest ? sum : sum + Math.exp(logit - max)), 0);
  return logits.map((logit) => logit - max - Math.log1p(others));
};
