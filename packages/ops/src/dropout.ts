import { ConfigError, feed, type Rng } from '@minigpt/core';
import { mul, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * Zeroes each element with probability `rate` and scales the others by `1 / (1 - rate)` (Srivastava et al. 2014).
 *
 * The mask is drawn on the host from `rng`, so it is the same on every backend and in a recomputation.
 *
 * @param x float32 of any shape
 * @param rate in [0, 1)
 * @throws ConfigError if `rate` is not in [0, 1)
 */
export function dropout<T extends Tensor>(x: T, rate: number, rng: Rng): T {
  if (!(rate >= 0 && rate < 1))
    throw new ConfigError('rate', `A dropout rate must lie in [0, 1), but ${rate} came.`);
  if (rate === 0) return x;
  const kept = 1 / (1 - rate);
  const { shape, size } = x;
  const draw = () => rng.uniform(size).map((number) => (number < rate ? 0 : kept));
  return tidy(() =>
    mul(
      x,
      feed(() => ({ dtype: 'float32', shape, data: draw() })),
    ),
  );
}
