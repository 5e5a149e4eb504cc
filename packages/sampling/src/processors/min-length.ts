import { checkCount, type LogitsProcessor } from './processor.ts';

/**
 * Rules out the tokens that end a text until it is `length` ids long, prompt included.
 *
 * @throws ConfigError
 */
export function minLength(length: number, endIds: readonly number[]): LogitsProcessor {
  checkCount('minLength', length);
  return (logits, ids) => {
    if (ids.length >= length) return logits;
    const row = logits.slice();
    for (const id of endIds) row[id] = Number.NEGATIVE_INFINITY;
    return row;
  };
}
