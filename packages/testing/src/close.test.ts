import type { HostTensor } from '@minigpt/core';
import { expect, it } from 'vitest';
import { expectClose } from './index.ts';

const host = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

it('adds the relative part of a tolerance to the absolute one', async () => {
  const tolerance = { absolute: 0.5, relative: 0.25 };
  await expectClose(host(1.7, -9), host(1, -7), tolerance);
  await expect(expectClose(host(1.8), host(1), tolerance, 'loss')).rejects.toThrow('difference of loss');
});

it('refuses NaN and another shape', async () => {
  await expect(expectClose(host(Number.NaN), host(1), { absolute: 9 })).rejects.toThrow();
  await expect(expectClose(host(1, 1), host(1), { absolute: 9 })).rejects.toThrow('shape');
});
