import { nthLargest } from '../distribution.ts';
import { checkCount, type LogitsWarper, type TokensToKeep } from './processor.ts';

/**
 * Keeps the `k` likeliest tokens, and those as likely as the last of them (Fan, Lewis, Dauphin 2018, "Hierarchical neural
 * story generation"; ties as in transformers' TopKLogitsWarper).
 *
 * @throws ConfigError
 */
export function topK(k: number, { minTokensToKeep = 1 }: TokensToKeep = {}): LogitsWarper {
  checkCount('topK', k);
  checkCount('minTokensToKeep', minTokensToKeep);
  const kept = Math.max(k, minTokensToKeep);
  return (logits) => {
    if (kept >= logits.length) return logits;
    const threshold = nthLargest(logits, kept);
    return logits.map((logit) => (logit < threshold ? Number.NEGATIVE_INFINITY : logit));
  };
}
