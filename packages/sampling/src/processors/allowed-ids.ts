import { ConfigError } from '@minigpt/core';
import type { LogitsWarper } from './processor.ts';

/**
 * Rules out all tokens but these. Where all of these were ruled out already, they become equally likely, so that a token can
 * still be drawn (as in transformers' PrefixConstrainedLogitsProcessor).
 *
 * @throws ConfigError where there is none
 */
export function allowedIds(ids: Iterable<number>): LogitsWarper {
  const allowed = new Set(ids);
  if (allowed.size === 0)
    throw new ConfigError('allowedIds', 'At least one id must be allowed, but none is.');
  return (logits) => {
    const none = [...allowed].every((id) => logits[id] === Number.NEGATIVE_INFINITY);
    const row = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
    for (const id of allowed) row[id] = none ? 0 : logits[id];
    return row;
  };
}
