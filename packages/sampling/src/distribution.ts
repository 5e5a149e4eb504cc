import { LogitsError } from './errors.ts';

/**
 * The largest logit, where the row is a distribution.
 *
 * @throws LogitsError for NaN and +Infinity, and where every logit is -Infinity
 */
export function maxLogit(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    if (!(logit < Number.POSITIVE_INFINITY)) throw new LogitsError(id, logit);
    if (logit > max) max = logit;
  }
  if (max === Number.NEGATIVE_INFINITY) throw new LogitsError(undefined);
  return max;
}

/**
 * log Σ exp(logits), summed in float64, so that a token's log-probability is `logits[id] - logSumExp(logits)`, in nats.
 *
 * @throws LogitsError where the row is no distribution
 */
export function logSumExp(logits: Float32Array): number {
  const max = maxLogit(logits);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id] - max);
  return max + Math.log(sum);
}
