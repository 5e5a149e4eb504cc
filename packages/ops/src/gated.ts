import { add, mul, sigmoid, sub, type Tensor } from '@tensorflow/tfjs-core';
import { geluTanh } from './gelu.ts';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

/**
 * `silu(gate) · up`, the middle of a SwiGLU block (Shazeer 2020, "GLU variants improve transformer"). Its gradient is computed
 * from the two inputs alone.
 *
 * Kernels: `SwiGLU` `{gate, up}` → `[y]`; `SwiGLUGrad` `{dy, gate, up}` → `[dGate, dUp]`.
 *
 * @param gate float32 of any shape
 * @param up float32 of the same shape
 */
export function swiglu<T extends Tensor>(gate: T, up: T): T {
  return withGradient<T>([gate, up], (save) => {
    save(gate, up);
    const fused = hasKernel('SwiGLU');
    return {
      value: (fused ? runKernel('SwiGLU', { gate, up })[0] : mul(mul(gate, sigmoid(gate)), up)) as T,
      backward: (dy, [gate, up]) => {
        if (fused) return runKernel('SwiGLUGrad', { dy, gate, up });
        const s = sigmoid(gate);
        const activated = mul(gate, s);
        const slope = add(s, mul(activated, sub(1, s)));
        return [mul(mul(dy, up), slope), mul(dy, activated)];
      },
    };
  });
}

/** `geluTanh(gate) · up`, the middle of a GeGLU block (Shazeer 2020), as Gemma has it. Shapes as in {@link swiglu}. */
export function geglu<T extends Tensor>(gate: T, up: T): T {
  return mul(geluTanh(gate), up);
}
