import type { TokenBatch } from '@minigpt/core';

/** Below so many tokens, what a part of a batch costs besides its arithmetic takes more than computing it beside others spares. */
const WORTH_SPLITTING = 256;

/**
 * Batches of fewer rows, for a processor that computes several at once: every batch in the same number of equal parts, so
 * that the mean of the parts' losses is that of the batches'. Rows do not depend on each other, which `testModel` checks.
 *
 * @param atOnce how many batches are computed at once. As many come out or fewer, or those that came if they are enough.
 */
export function splitBatches(batches: readonly TokenBatch[], atOnce: number): readonly TokenBatch[] {
  const wanted = Math.ceil(atOnce / batches.length);
  for (let count = wanted; count > 1; count--) {
    const isPossible = ({ shape: [rows, length] }: TokenBatch) =>
      rows % count === 0 && (rows * length) / count >= WORTH_SPLITTING;
    if (batches.every(isPossible)) return batches.flatMap((batch) => equalParts(batch, count));
  }
  return batches;
}

function equalParts({ inputs, targets, shape: [rows, length] }: TokenBatch, count: number): TokenBatch[] {
  const size = (rows * length) / count;
  return Array.from({ length: count }, (_, part) => ({
    inputs: inputs.subarray(part * size, (part + 1) * size),
    targets: targets.subarray(part * size, (part + 1) * size),
    shape: [rows / count, length],
  }));
}
