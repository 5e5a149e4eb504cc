import { readFileSync } from 'node:fs';
import type { HostTensor } from '@minigpt/core';

/** A file that `scripts/make-fixtures.py` wrote. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')) as T;
}

export function hostTensor(shape: readonly number[], numbers: readonly number[]): HostTensor {
  return { dtype: 'float32', shape, data: Float32Array.from(numbers) };
}

/** Row `index` of a tensor `[rows, ...shape]`. */
export function row({ data, shape }: HostTensor, index: number): HostTensor {
  const size = data.length / shape[0];
  return hostTensor(shape.slice(1), Array.from(data.subarray(index * size, (index + 1) * size)));
}
