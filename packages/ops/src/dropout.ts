import { ConfigError, feed, type Rng } from '@minigpt/core';
import { mul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

/**
 * Zeroes each element with probability `rate` and scales the others by `1 / (1 - rate)` (Srivastava et al. 2014).
 *
 * The mask depends on `rng` alone, so it is the same on every backend and in a recomputation. It is drawn on the host, or by the
 * kernel: `Dropout` `{x, key}`, the two words of `rng` as int32, attributes as `dropoutAttributes` gives them → `[y]`. The
 * gradient is the same function of dy.
 *
 * @param x float32 of any shape
 * @param rate in [0, 1)
 * @throws ConfigError if `rate` is not in [0, 1)
 */
export function dropout<T extends Tensor>(x: T, rate: number, rng: Rng): T {
  const attrs = dropoutAttributes(rate);
  if (rate === 0) return x;
  if (hasKernel('Dropout')) {
    return tidy(() => {
      const key = dropoutKey(rng);
      return withGradient<T>([x], (save) => {
        save(key);
        return {
          value: runKernel('Dropout', { x, key }, attrs)[0] as T,
          backward: (dy, [key]) => runKernel('Dropout', { x: dy, key }, attrs),
        };
      });
    });
  }
  const { shape, size } = x;
  const draw = () => rng.uniform(size).map((number) => (number < rate ? 0 : attrs.kept));
  return tidy(() =>
    mul(
      x,
      feed(() => ({ dtype: 'float32', shape, data: draw() })),
    ),
  );
}

/**
 * What a kernel needs besides the key: element i is zeroed where the i-th number of `rng.uniform`, times 2^24, is below
 * `threshold`, else multiplied by `kept`.
 *
 * @throws ConfigError if `rate` is not in [0, 1)
 */
export function dropoutAttributes(rate: number): { threshold: number; kept: number } {
  if (!(rate >= 0 && rate < 1))
    throw new ConfigError('rate', `A dropout rate must lie in [0, 1), but ${rate} came.`);
  return { threshold: Math.ceil(rate * 2 ** 24), kept: 1 / (1 - rate) };
}

/** The words of `rng`, int32 `[2]`. */
export function dropoutKey(rng: Rng): Tensor {
  return feed(() => ({ dtype: 'int32', shape: [2], data: rng.words() }));
}
