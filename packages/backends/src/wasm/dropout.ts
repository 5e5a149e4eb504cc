import { sizeOf } from '../size-of.ts';
import { bitsOf, type Kernels, parts, registerWasmKernel } from './kernels.ts';

/** Elements in a unit, as in assembly/dropout.ts. */
const ELEMENTS = 4096;

export function registerDropout(all: Kernels): void {
  registerWasmKernel('Dropout', all, ({ inputs: { x, key }, attrs, kernels }) => {
    const { threshold, kept } = attrs as { threshold: number; kept: number };
    const y = kernels.output(x.shape);
    const count = sizeOf(x);
    const args = [...[x, y].map(kernels.offsetOf), count, kernels.offsetOf(key), threshold, bitsOf(kept)];
    kernels.run([{ kernel: 'dropout', units: parts(count, ELEMENTS), work: 20 * count, args }]);
    return y;
  });
}
