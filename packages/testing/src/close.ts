import { type HostTensor, toHost } from '@minigpt/core';
import { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

export interface Tolerance {
  readonly absolute: number;
  /** Times the expected magnitude, added to the absolute part. */
  readonly relative?: number;
}

/**
 * Expects each element to be as near its expected value as the tolerance says; NaN is near nothing.
 *
 * @param what names the tensor in the message of a failure
 */
export async function expectClose(
  actual: Tensor | HostTensor,
  expected: HostTensor,
  { absolute, relative = 0 }: Tolerance,
  what = 'tensor',
): Promise<void> {
  const { shape, data } = actual instanceof Tensor ? await toHost(actual) : actual;
  expect(shape, `shape of ${what}`).toEqual(expected.shape);
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    const allowed = absolute + relative * Math.abs(expected.data[i]);
    const excess = Math.abs(data[i] - expected.data[i]) / allowed;
    if (!(excess <= worst)) worst = excess;
  }
  expect(worst, `largest difference of ${what}, in units of its tolerance`).toBeLessThanOrEqual(1);
}
