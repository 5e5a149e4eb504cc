import type { Tensor } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

/**
 * An element-by-element function whose gradient is computed from its input alone, so that nothing between the two is kept.
 *
 * Kernels: `<name>` `{x}` → `[y]`; `<name>Grad` `{dy, x}` → `[dx]`.
 *
 * @param forward y of x, of the same shape
 * @param backward dx of dy and x
 */
export function activation(
  name: string,
  forward: (x: Tensor) => Tensor,
  backward: (dy: Tensor, x: Tensor) => Tensor,
): <T extends Tensor>(x: T) => T {
  return <T extends Tensor>(x: T) =>
    withGradient<T>([x], (save) => {
      save(x);
      const fused = hasKernel(name);
      return {
        value: (fused ? runKernel(name, { x })[0] : forward(x)) as T,
        backward: (dy, [x]) => (fused ? runKernel(`${name}Grad`, { dy, x }) : [backward(dy, x)]),
      };
    });
}
