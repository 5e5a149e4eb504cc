import { logProbabilities } from '../distribution.ts';
import { entropy } from './cutoff.ts';
import { checkCount, checkFraction, type LogitsWarper, type TokensToKeep } from './processor.ts';

/**
 * Keeps the smallest set of tokens whose surprise -log p is nearest to the entropy and whose probabilities sum to at least
 * `mass` (Meister, Pimentel, Wiher, Cotterell 2023, "Locally typical sampling").
 *
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function typicalP(mass: number, { minTokensToKeep = 1 }: TokensToKeep = {}): LogitsWarper {
  checkFraction('typicalP', mass);
  checkCount('minTokensToKeep', minTokensToKeep);
  return (logits) => {
    const logs = logProbabilities(logits);
    const h = entropy(logs);
    const distance = logs.map((log) => Math.abs(-log - h));
    const order = Array.from(distance.keys()).sort((a, b) => distance[a] - distance[b]);
    let kept = 0;
    for (let sum = 0; kept < order.length - 1 && sum < mass; kept++) sum += Math.exp(logs[order[kept]]);
    // The last one taken brought the sum to the mass; those at its distance stay with it.
    const farthest = distance[order[Math.max(0, Math.max(kept - 1, minTokensToKeep - 1))]];
    return logits.map((logit, id) => (distance[id] > farthest ? Number.NEGATIVE_INFINITY : logit));
  };
}
