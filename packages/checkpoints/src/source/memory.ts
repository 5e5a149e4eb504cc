import type { HostTensor, StateDict } from '@minigpt/core';
import { CheckpointError } from '../errors.ts';
import { elementCount, type LazyStateDict } from './lazy-state-dict.ts';

/** What loading takes, in bytes, known from the header alone. */
export interface MemoryForecast {
  /** Scalars in all tensors. */
  readonly parameters: number;
  /** Bytes in the file. */
  readonly storedBytes: number;
  /** Bytes of all tensors in memory, four a scalar. */
  readonly hostBytes: number;
  /** The most that is held at one moment of reading all of them: `hostBytes` and the bytes of one tensor as stored. */
  readonly peakBytes: number;
}

/** Loading would take more memory than it may, or than there is. */
export class MemoryLimitError extends CheckpointError {
  readonly requiredBytes: number;
  readonly limitBytes: number | undefined;

  constructor(requiredBytes: number, limitBytes?: number, options?: ErrorOptions) {
    const limit =
      limitBytes === undefined ? 'this process may have' : `the limit of ${mebibytes(limitBytes)}`;
    super(
      `Loading the weights takes ${mebibytes(requiredBytes)}, which is more than ${limit}; nothing was loaded. ` +
        'Take a smaller model, or give the process more memory.',
      options,
    );
    this.requiredBytes = requiredBytes;
    this.limitBytes = limitBytes;
  }
}

/** A weight is not a number: the file is damaged, or the training that wrote it diverged. */
export class WeightValueError extends CheckpointError {
  readonly tensor: string;
  /** The first such element, counted row-major. */
  readonly element: number;

  constructor(tensor: string, element: number) {
    super(`Tensor ${JSON.stringify(tensor)}: weights must be numbers, but element ${element} is NaN.`);
    this.tensor = tensor;
    this.element = element;
  }
}

/** Foresees what loading all of `weights` takes, without reading any. */
export function forecastMemory({ tensors }: LazyStateDict): MemoryForecast {
  let parameters = 0;
  let storedBytes = 0;
  let largestStored = 0;
  for (const info of tensors.values()) {
    parameters += elementCount(info.shape);
    storedBytes += info.storedBytes;
    largestStored = Math.max(largestStored, info.storedBytes);
  }
  const hostBytes = 4 * parameters;
  return { parameters, storedBytes, hostBytes, peakBytes: hostBytes + largestStored };
}

export interface ReadStateDictOptions {
  /** The memory that loading may take at its peak. Default: any. */
  readonly maxBytes?: number;
}

/**
 * Reads all tensors, or none.
 *
 * @throws MemoryLimitError before anything is read, where `maxBytes` is too little, or the system has no more memory
 * @throws WeightValueError for NaN
 */
export async function readStateDict(
  weights: LazyStateDict,
  { maxBytes = Number.POSITIVE_INFINITY }: ReadStateDictOptions = {},
): Promise<StateDict> {
  const { peakBytes } = forecastMemory(weights);
  if (peakBytes > maxBytes) throw new MemoryLimitError(peakBytes, maxBytes);
  const state = new Map<string, HostTensor>();
  for (const name of weights.tensors.keys()) {
    const tensor = await refusingRangeErrors(peakBytes, weights.read(name));
    checkNumbers(name, tensor);
    state.set(name, tensor);
  }
  return state;
}

/** A RangeError is how JavaScript says that it has no memory for an array. @throws MemoryLimitError in its place */
export async function refusingRangeErrors<T>(requiredBytes: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw cause instanceof RangeError ? new MemoryLimitError(requiredBytes, undefined, { cause }) : cause;
  }
}

/** @throws WeightValueError */
export function checkNumbers(name: string, { data }: HostTensor): void {
  if (data instanceof Int32Array) return;
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) throw new WeightValueError(name, i);
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
