import {
  checkShapes,
  dispose,
  fromHost,
  type LanguageModel,
  parameters,
  withoutWeights,
} from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { tidy } from '@tensorflow/tfjs-core';
import { CheckpointError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { elementCount, type LazyStateDict } from '../source/lazy-state-dict.ts';
import { MemoryLimitError, refusingRangeErrors } from '../source/memory.ts';
import { type ReadingOptions, watchReading } from './watch-reading.ts';

/** Once its signal is aborted, loading stops with the signal's reason and nothing stays loaded. */
export interface BuildModelOptions extends ReadingOptions {
  /** The memory that loading may take at its peak, in bytes. Default: any. */
  readonly maxBytes?: number;
}

/** Weights have another dtype than the parameters that they are for; all are listed at once. */
export class WeightDtypeError extends CheckpointError {
  readonly tensors: readonly string[];

  constructor(wrong: readonly { readonly name: string; readonly storedAs: string }[]) {
    super(
      `Weights must be floating-point numbers, but ${wrong.map(({ name, storedAs }) => `${name} is ${storedAs}`).join(', ')}; ` +
        'nothing was loaded.',
    );
    this.tensors = wrong.map(({ name }) => name);
  }
}

/**
 * The model that a config describes with its weights, on the current backend. One tensor at a time is on the host, and none
 * is drawn only to be replaced; all parameters are trainable.
 *
 * @param weights under the names of the model's parameters; they stay open
 * @returns the caller owns it and disposes it
 * @throws ConfigError for a setting that is missing, wrong or not implemented
 * @throws StateDictError with every tensor that is missing, unexpected or misshapen; WeightDtypeError
 * @throws MemoryLimitError before anything is read, where `maxBytes` is too little, or the system has no more memory
 * @throws WeightValueError for NaN, and what reading throws; then nothing stays loaded
 */
export async function buildModel(
  config: JsonObject,
  weights: LazyStateDict,
  { maxBytes = Number.POSITIVE_INFINITY, ...reading }: BuildModelOptions = {},
): Promise<LanguageModel> {
  const model = withoutWeights(() => modelFromConfig(config));
  try {
    const targets = parameters(model);
    checkShapes(weights.tensors, targets);
    checkDtypes(weights);
    const requiredBytes = peakBytes(weights);
    if (requiredBytes > maxBytes) throw new MemoryLimitError(requiredBytes, maxBytes);
    const read = (name: string) => refusingRangeErrors(requiredBytes, weights.read(name));
    const watched = watchReading({ ...weights, read }, reading);
    // In the order of the file, which is read from its beginning to its end.
    for (const name of weights.tensors.keys()) {
      const tensor = await watched.read(name);
      tidy(() => targets.get(name)!.assign(fromHost(tensor)));
    }
    return model;
  } catch (error) {
    dispose(model);
    throw error;
  }
}

/** The whole model, and beside it the largest tensor as it is stored and as it is widened. */
function peakBytes({ tensors }: LazyStateDict): number {
  let model = 0;
  let largest = 0;
  for (const { shape, storedBytes } of tensors.values()) {
    const bytes = 4 * elementCount(shape);
    model += bytes;
    largest = Math.max(largest, bytes + storedBytes);
  }
  return model + largest;
}

function checkDtypes({ tensors }: LazyStateDict): void {
  const wrong = [...tensors].filter(([, { dtype }]) => dtype !== 'float32');
  if (wrong.length > 0) throw new WeightDtypeError(wrong.map(([name, { storedAs }]) => ({ name, storedAs })));
}
