import type { LazyStateDict } from '../source/lazy-state-dict.ts';
import { checkNumbers, forecastMemory } from '../source/memory.ts';
import type { LoadProgress } from './load-progress.ts';

export interface ReadingOptions {
  /** Told after each tensor. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Once aborted, reading stops with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Weights that hold each tensor against NaN as it is read, and say how far reading is.
 *
 * Their `read` throws WeightValueError for NaN, and the signal's reason.
 */
export function watchReading(weights: LazyStateDict, { onProgress, signal }: ReadingOptions): LazyStateDict {
  const totalBytes = forecastMemory(weights).storedBytes;
  let loadedBytes = 0;
  return {
    ...weights,
    async read(name) {
      signal?.throwIfAborted();
      const tensor = await weights.read(name);
      checkNumbers(name, tensor);
      loadedBytes += weights.tensors.get(name)?.storedBytes ?? 0;
      onProgress?.({ stage: 'load', name, loadedBytes, totalBytes });
      return tensor;
    },
  };
}
