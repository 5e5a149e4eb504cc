import type { HostTensor, Rng } from '@minigpt/core';
import { util } from '@tensorflow/tfjs-core';

/** Standard normal float32 values. */
export function randomNormal(shape: readonly number[], rng: Rng): HostTensor {
  return { dtype: 'float32', shape, data: rng.normal(util.sizeFromShape([...shape])) };
}

/** Ids in 0…`vocabSize` - 1. */
export function randomIds(shape: readonly number[], vocabSize: number, rng: Rng): HostTensor {
  return { dtype: 'int32', shape, data: rng.integers(util.sizeFromShape([...shape]), vocabSize) };
}
