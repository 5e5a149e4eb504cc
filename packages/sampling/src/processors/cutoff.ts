import { logProbabilities, nthLargest } from '../distribution.ts';
import { checkCount, checkFraction, type LogitsWarper, type TokensToKeep } from './processor.ts';

/**
 * Rules out the tokens whose probability is below a threshold, but never the `minTokensToKeep` likeliest, nor those as likely
 * as the last of them.
 *
 * @param thresholdOf gives the threshold from the row's log-probabilities, in nats
 */
function cutoff(
  thresholdOf: (logProbabilities: Float64Array) => number,
  { minTokensToKeep = 1 }: TokensToKeep,
): LogitsWarper {
  checkCount('minTokensToKeep', minTokensToKeep);
  return (logits) => {
    const logs = logProbabilities(logits);
    const threshold = thresholdOf(logs);
    const keepFrom = nthLargest(logits, minTokensToKeep);
    return logits.map((logit, id) =>
      Math.exp(logs[id]) < threshold && logit < keepFrom ? Number.NEGATIVE_INFINITY : logit,
    );
  };
}

/**
 * Keeps the tokens with at least `p` times the probability of the likeliest (Nguyen et al. 2024, "Turning up the heat: min-p
 * sampling").
 *
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function minP(p: number, options: TokensToKeep = {}): LogitsWarper {
  checkFraction('minP', p);
  return cutoff((logs) => p * Math.exp(largest(logs)), options);
}

/**
 * Keeps the tokens with a probability of at least `epsilon` (Hewitt, Manning, Liang 2022, "Truncation sampling as language
 * model desmoothing").
 *
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function epsilonCutoff(epsilon: number, options: TokensToKeep = {}): LogitsWarper {
  checkFraction('epsilonCutoff', epsilon);
  return cutoff(() => epsilon, options);
}

/**
 * Keeps the tokens with a probability of at least min(ε, √ε e^-H), where H is the entropy in nats: the threshold sinks where
 * the model is unsure (Hewitt, Manning, Liang 2022).
 *
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function etaCutoff(epsilon: number, options: TokensToKeep = {}): LogitsWarper {
  checkFraction('etaCutoff', epsilon);
  return cutoff((logs) => Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropy(logs))), options);
}

/** -Σ p log p, in nats. */
export function entropy(logProbabilities: Float64Array): number {
  return -logProbabilities.reduce((sum, log) => (log === -Infinity ? sum : sum + Math.exp(log) * log), 0);
}

function largest(values: Float64Array): number {
  return values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
}
