import { ConfigError } from '@minigpt/core';
import type { LogitsWarper } from './processor.ts';

/**
 * Divides the logits by `value`: below 1 sharpens the distribution, above 1 flattens it.
 *
 * @param value above 0; for temperature 0 take the likeliest token with `greedy`.
 * @throws ConfigError
 */
export function temperature(value: number): LogitsWarper {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new ConfigError('temperature', `temperature must be above 0 and finite, but ${value} came.`);
  }
  return (logits) => {
    const row = new Float32Array(logits.length);
    for (let id = 0; id < row.length; id++) row[id] = logits[id] / value;
    return row;
  };
}
