import type { HostTensor, StateDict } from '@minigpt/core';
import { CheckpointError } from '../errors.ts';

/** What is known of a tensor before its values are read. */
export interface TensorInfo {
  readonly shape: readonly number[];
  /** The dtype that it has once it is read. */
  readonly dtype: HostTensor['dtype'];
  /** The dtype that it has in the file, as the format spells it: `BF16`, `Q4_K`. */
  readonly storedAs: string;
  /** Bytes in the file. */
  readonly storedBytes: number;
}

/** Tensors by name that are read one at a time, when they are asked for: a `StateDict` that need not fit in memory. */
export interface LazyStateDict {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Reads one tensor. Its data may be a view of the source's memory: do not write to it.
   *
   * @throws TensorNotFoundError for a name that is not in `tensors`
   */
  read(name: string): Promise<HostTensor>;
  /** Closes the files beneath. */
  close(): Promise<void>;
}

/** A tensor was asked for that the file does not have. */
export class TensorNotFoundError extends CheckpointError {
  readonly tensor: string;

  constructor(tensor: string, source: string) {
    super(`A tensor is read by one of its names in ${source}, but it has none ${JSON.stringify(tensor)}.`);
    this.tensor = tensor;
  }
}

/** Tensors that are in memory already. */
export function hostTensors(state: StateDict): LazyStateDict {
  const infos = [...state].map(
    ([name, { shape, dtype, data }]) =>
      [
        name,
        { shape, dtype, storedAs: dtype === 'float32' ? 'F32' : 'I32', storedBytes: data.byteLength },
      ] as const,
  );
  return {
    tensors: new Map(infos),
    async read(name) {
      const tensor = state.get(name);
      if (tensor === undefined) throw new TensorNotFoundError(name, 'memory');
      return tensor;
    },
    async close() {},
  };
}

/** The number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
