import { ConfigError } from '@minigpt/core';
import { logSumExp } from '../distribution.ts';
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
    const ascending = logits.filter((logit) => logit > Number.NEGATIVE_INFINITY).sort();
    // Rule out the least likely tokens while all of them together have at most 1 - p. The sum is in float64.
    const removable = ascending.length - minTokensToKeep;
    let removed = 0;
    for (let tail = 0; removed < removable; removed++) {
      tail += Math.exp(ascending[removed] - logTotal);
      if (tail > 1 - p) break;
    }
    if (removed <= 0) return logits;
    const threshold = ascending[removed];
    let ties = 0;
    while (ascending[removed + ties] === threshold) ties++;
    return logits.map((logit) =>
      logit > threshold || (logit === threshold && ties-- > 0) ? logit : Number.NEGATIVE_INFINITY,
    );
  };
}
