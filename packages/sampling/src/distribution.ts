import { LogitsError } from './errors.ts';
import { expOfNegative } from './exp-of-negative.ts';

/**
 * The largest logit, where the row is a distribution.
 *
 * @throws LogitsError for NaN and +Infinity, and where every logit is -Infinity
 */
export function maxLogit(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    if (!(logit < Number.POSITIVE_INFINITY)) throw new LogitsError(id, logit);
    if (logit > max) max = logit;
  }
  if (max === Number.NEGATIVE_INFINITY) throw new LogitsError(undefined);
  return max;
}

/** The `count`th largest of the logits: the smallest where there are fewer. */
export function nthLargest(logits: Float32Array, count: number): number {
  const heap = logits.slice(0, count).sort(); // of the largest so far, the smallest first: sorted, it is a heap
  for (let id = heap.length; id < logits.length; id++)
    if (logits[id] > heap[0]) replaceSmallest(heap, logits[id]);
  return heap[0];
}

/** Puts a value in the place of the smallest of a binary heap. */
function replaceSmallest(heap: Float32Array, value: number): void {
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}

/**
 * log Σ exp(logits), summed in float64, so that a token's log-probability is `logits[id] - logSumExp(logits)`, in nats.
 *
 * @throws LogitsError where the row is no distribution
 */
export function logSumExp(logits: Float32Array): number {
  const max = maxLogit(logits);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += expOfNegative(logits[id] - max);
  return max + Math.log(sum);
}

/** The natural logarithm of each token's probability, in float64. @throws LogitsError where the row is no distribution */
export function logProbabilities(logits: Float32Array): Float64Array {
  const logTotal = logSumExp(logits);
  const logs = new Float64Array(logits.length);
  for (let id = 0; id < logits.length; id++) logs[id] = logits[id] - logTotal;
  return logs;
}

/** The ids of the `count` largest logits, best first; of equals, the lowest id first. */
export function likeliest(logits: Float32Array, count: number): number[] {
  if (count === 0) return [];
  const threshold = nthLargest(logits, count);
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) if (logits[id] >= threshold) ids.push(id);
  return ids.sort((a, b) => logits[b] - logits[a]).slice(0, count);
}
