import { matMul, tidy, truncatedNormal } from '@tensorflow/tfjs-core';

/** A product is timed once it takes so long; the first ones warm the backend up. */
const LONG_ENOUGH_MS = 30;
const LARGEST = 2048;

/** How fast the current backend multiplies matrices: GFLOP/s, 2 n³ operations a product, in a second or less. */
export async function productSpeed(): Promise<number> {
  for (let size = 128; ; size *= 2) {
    const [a, b] = tidy(() => [truncatedNormal([size, size]), truncatedNormal([size, size])]);
    await timeOf(async () => matMul(a, b)); // compiles, allocates
    const milliseconds = await timeOf(async () => matMul(a, b));
    a.dispose();
    b.dispose();
    if (milliseconds >= LONG_ENOUGH_MS || size === LARGEST) return (2 * size ** 3) / milliseconds / 1e6;
  }

  async function timeOf(product: () => Promise<ReturnType<typeof matMul>>): Promise<number> {
    const began = performance.now();
    const result = await product();
    await result.data();
    result.dispose();
    return performance.now() - began;
  }
}
