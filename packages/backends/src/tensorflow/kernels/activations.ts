import type { TensorHandle } from '../binding.ts';
import type { RawKernel } from './raw-kernel.ts';
import type { RawOps } from './raw-ops.ts';

const TWICE_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** `scale · (1 + factor · squared)` */
function polynomial(ops: RawOps, squared: TensorHandle, scale: number, factor: number): TensorHandle {
  return ops.add(ops.mul(squared, ops.floats(scale * factor)), ops.floats(scale));
}

/** Φ(x), the standard normal distribution. */
function normalCumulative(ops: RawOps, x: TensorHandle): TensorHandle {
  const half = ops.floats(0.5);
  return ops.add(ops.mul(ops.erf(ops.mul(x, ops.floats(Math.SQRT1_2))), half), half);
}

/** The gradient of `x σ(u)`, u having the slope `slope` along x. */
function gatedGrad(ops: RawOps, dy: TensorHandle, x: TensorHandle, s: TensorHandle, slope?: TensorHandle) {
  const throughGate = ops.sigmoidGrad(s, ops.mul(dy, x));
  return ops.add(ops.mul(dy, s), slope === undefined ? throughGate : ops.mul(throughGate, slope));
}

export const activationKernels: Readonly<Record<string, RawKernel>> = {
  GeluTanh: (ops, { x }) => {
    const scale = polynomial(ops, ops.square(x), TWICE_SQRT_2_OVER_PI, CUBIC);
    return [ops.mul(x, ops.sigmoid(ops.mul(x, scale)))];
  },

  GeluTanhGrad: (ops, { dy, x }) => {
    const squared = ops.square(x);
    const s = ops.sigmoid(ops.mul(x, polynomial(ops, squared, TWICE_SQRT_2_OVER_PI, CUBIC)));
    return [gatedGrad(ops, dy, x, s, polynomial(ops, squared, TWICE_SQRT_2_OVER_PI, 3 * CUBIC))];
  },

  GeluErf: (ops, { x }) => [ops.mul(x, normalCumulative(ops, x))],

  GeluErfGrad: (ops, { dy, x }) => {
    const bell = ops.exp(ops.mul(ops.square(x), ops.floats(-0.5)));
    const density = ops.mul(bell, ops.floats(1 / Math.sqrt(2 * Math.PI)));
    return [ops.mul(dy, ops.add(normalCumulative(ops, x), ops.mul(x, density)))];
  },

  Silu: (ops, { x }) => [ops.mul(x, ops.sigmoid(x))],

  SiluGrad: (ops, { dy, x }) => [gatedGrad(ops, dy, x, ops.sigmoid(x))],

  ReluSquared: (ops, { x }) => [ops.square(ops.relu(x))],

  ReluSquaredGrad: (ops, { dy, x }) => [ops.mul(dy, ops.mul(ops.relu(x), ops.floats(2)))],

  SwiGLU: (ops, { gate, up }) => [ops.mul(ops.mul(gate, ops.sigmoid(gate)), up)],

  SwiGLUGrad: (ops, { dy, gate, up }) => {
    const s = ops.sigmoid(gate);
    return [gatedGrad(ops, ops.mul(dy, up), gate, s), ops.mul(dy, ops.mul(gate, s))];
  },
};
