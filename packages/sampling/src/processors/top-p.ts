import { ConfigError } from '@minigpt/core';
import { logSumExp, nthLargest } from '../distribution.ts';
import { checkCount, type LogitsWarper, type TokensToKeep } from './processor.ts';

/**
 * Keeps the smallest set of the likeliest tokens whose probabilities sum to at least `p` (nucleus sampling: Holtzman, Buys,
 * Du, Forbes, Choi 2020, "The curious case of neural text degeneration"; the cut as in transformers' TopPLogitsWarper).
 * Where equally likely tokens straddle the cut, those with the lowest ids stay.
 *
 * @param p above 0, at most 1; 1 keeps all.
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function topP(p: number, { minTokensToKeep = 1 }: TokensToKeep = {}): LogitsWarper {
  if (!(p > 0 && p <= 1)) throw new ConfigError('topP', `topP must lie in (0, 1], but ${p} came.`);
  checkCount('minTokensToKeep', minTokensToKeep);
  return (logits) => {
    if (p === 1) return logits;
    const logTotal = logSumExp(logits);
    // Rule out the least likely tokens while all of them together have at most 1 - p. The sum is in float64. Those with less
    // than their share of 1 - p go in any case, so that they need not be sorted, unless they are among the likeliest to keep.
    const share = logTotal + Math.log((1 - p) / logits.length);
    const negligible = Math.min(share, nthLargest(logits, minTokensToKeep));
    let tail = 0;
    const ascending = logits.filter((logit) => {
      if (logit >= negligible) return logit > Number.NEGATIVE_INFINITY;
      tail += Math.exp(logit - logTotal);
      return false;
    });
    ascending.sort();
    const removable = ascending.length - minTokensToKeep;
    let removed = 0;
    for (; removed < removable; removed++) {
      tail += Math.exp(ascending[removed] - logTotal);
      if (tail > 1 - p) break;
    }
    const threshold = ascending[removed];
    let ties = 0;
    while (ascending[removed + ties] === threshold) ties++;
    return logits.map((logit) =>
      logit > threshold || (logit === threshold && ties-- > 0) ? logit : Number.NEGATIVE_INFINITY,
    );
  };
}
