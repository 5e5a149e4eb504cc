import type { HostTensor } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

export interface Tolerance {
  readonly absolute: number;
  /** Times the expected magnitude, added to the absolute part. */
  readonly relative?: number;
}

/** The largest amount by which an element is further from its expected value than the tolerance allows, and where. */
export async function expectClose(
  actual: Tensor,
  expected: HostTensor,
  { absolute, relative = 0 }: Tolerance,
  what = 'tensor',
): Promise<void> {
  expect(actual.shape, `shape of ${what}`).toEqual(expected.shape);
  const values = await actual.data();
  let worst = 0;
  for (let i = 0; i < values.length; i++) {
    const allowed = absolute + relative * Math.abs(expected.data[i]);
    const excess = Math.abs(values[i] - expected.data[i]) / allowed;
    if (!(excess <= worst)) worst = excess;
  }
  expect(worst, `largest difference of ${what}, in units of its tolerance`).toBeLessThanOrEqual(1);
}
