import type { HostTensor } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { hostTensors, type LazyStateDict } from './lazy-state-dict.ts';
import { forecastMemory, MemoryLimitError, readStateDict, WeightValueError } from './memory.ts';

const floats = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const ids: HostTensor = { dtype: 'int32', shape: [], data: Int32Array.of(7) };

/** A 7B model as its header tells it: 7 GB in Q8_0. */
const large: LazyStateDict = {
  tensors: new Map(
    Array.from({ length: 70 }, (_, i) => [
      `h.${i}.weight`,
      { shape: [10_000, 10_000], dtype: 'float32', storedAs: 'Q8_0', storedBytes: 106_250_000 },
    ]),
  ),
  read: () => Promise.reject(new RangeError('Array buffer allocation failed')),
  close: async () => {},
};

describe('forecastMemory', () => {
  it('counts scalars, bytes in the file and bytes in memory', () => {
    expect(forecastMemory(large)).toEqual({
      parameters: 7_000_000_000,
      storedBytes: 70 * 106_250_000,
      hostBytes: 28_000_000_000,
      peakBytes: 28_106_250_000,
    });
    expect(forecastMemory(hostTensors(new Map([['ids', ids]])))).toMatchObject({
      parameters: 1,
      hostBytes: 4,
    });
  });
});

describe('readStateDict', () => {
  it('reads all tensors in order', async () => {
    const state = new Map([
      ['b', floats(1, 2, Number.POSITIVE_INFINITY)],
      ['a', ids],
    ]);
    expect([...(await readStateDict(hostTensors(state)))]).toEqual([...state]);
  });

  it('says before it reads that memory will not do', async () => {
    let reads = 0;
    const counted = { ...large, read: () => Promise.reject(new Error(`${++reads} reads`)) };
    await expect(readStateDict(counted, { maxBytes: 2 ** 30 })).rejects.toMatchObject({
      constructor: MemoryLimitError,
      requiredBytes: 28_106_250_000,
      limitBytes: 2 ** 30,
      message: expect.stringContaining('takes 26805 MiB, which is more than the limit of 1024 MiB'),
    });
    expect(reads).toBe(0);
  });

  it('says so where the system has no more memory', async () => {
    await expect(readStateDict(large)).rejects.toThrow(MemoryLimitError);
  });

  it('refuses NaN by tensor and element', async () => {
    const state = new Map([
      ['fine', floats(1)],
      ['h.0.weight', floats(0, 1, Number.NaN)],
    ]);
    await expect(readStateDict(hostTensors(state))).rejects.toMatchObject({
      constructor: WeightValueError,
      tensor: 'h.0.weight',
      element: 2,
    });
  });
});
