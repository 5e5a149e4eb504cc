import { matMul } from '@minigpt/ops';
import { type Tensor, tidy, truncatedNormal } from '@tensorflow/tfjs-core';

/** A product is timed once it takes so long; the first ones warm the backend up. */
const LONG_ENOUGH_MS = 30;
const LARGEST = 2048;
/** So often, and the fastest counts: what else the machine does makes the others slower. */
const REPEATS = 3;

/** How fast the current backend multiplies matrices: GFLOP/s, 2 n³ operations a product, in a second or two. */
export async function productSpeed(): Promise<number> {
  for (let size = 128; ; size *= 2) {
    const [a, b] = tidy(() => [truncatedNormal([size, size]), truncatedNormal([size, size])]);
    await timeOf(() => matMul(a, b)); // compiles, allocates
    let milliseconds = await timeOf(() => matMul(a, b));
    const last = milliseconds >= LONG_ENOUGH_MS || size === LARGEST;
    for (let repeat = 1; last && repeat < REPEATS; repeat++) {
      milliseconds = Math.min(milliseconds, await timeOf(() => matMul(a, b)));
    }
    a.dispose();
    b.dispose();
    if (last) return (2 * size ** 3) / milliseconds / 1e6;
  }
}

async function timeOf(product: () => Tensor): Promise<number> {
  const began = performance.now();
  const result = product();
  await result.data();
  result.dispose();
  return performance.now() - began;
}
