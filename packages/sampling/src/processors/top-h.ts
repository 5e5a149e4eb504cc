import { ConfigError } from '@minigpt/core';
import { likeliest } from '../distribution.ts';
import { logSoftmax } from './log-softmax.ts';
import type { LogitsWarper } from './processor.ts';

/** As many tokens as transformers' TopHLogitsWarper looks at. */
const CANDIDATES = 100;

/**
 * Keeps the likeliest tokens as long as their terms -p log p sum to at most `h` times the entropy, among the 100 likeliest and
 * renormalised over these: the less sure the model is, the more may be drawn (Potraghloo, Azizi, Kundu, Pedram 2025, "Top-H
 * decoding: adapting the creativity and coherence with bounded entropy in text generation").
 *
 * @param h above 0, at most 1
 * @throws ConfigError; the processor throws LogitsError where the row is no distribution
 */
export function topH(h: number): LogitsWarper {
  if (!(h > 0 && h <= 1)) throw new ConfigError('topH', `topH must lie in (0, 1], but ${h} came.`);
  return (logits) => {
    const candidates = likeliest(logits, CANDIDATES);
    const logs = logSoftmax(Float32Array.from(candidates, (id) => logits[id]));
    const terms = Array.from(logs, (log) => (log === Number.NEGATIVE_INFINITY ? 0 : -Math.exp(log) * log));
    const bound = h * terms.reduce((sum, term) => sum + term, 0);
    const row = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
    row[candidates[0]] = logits[candidates[0]];
    let sum = 0;
    for (const [i, id] of candidates.entries()) {
      sum += terms[i];
      if (sum > bound) break;
      row[id] = logits[id];
    }
    return row;
  };
}
