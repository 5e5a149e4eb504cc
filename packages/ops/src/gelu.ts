import { abs, add, div, exp, mul, neg, sigmoid, sign, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import { activation } from './activation.ts';

/** `erf` to 1.5e-7 from elementary operations (Abramowitz & Stegun 1964, 7.1.26): the wasm backend has no kernel of it. */
function erf(x: Tensor): Tensor {
  const coefficients = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const magnitude = abs(x);
  const t = div(1, add(mul(magnitude, 0.3275911), 1));
  const polynomial = coefficients.reduce<Tensor>((sum, c) => mul(add(sum, c), t), mul(t, 0));
  return mul(sign(x), sub(1, mul(polynomial, exp(neg(square(magnitude))))));
}

/** `0.5 x (1 + erf(x / √2))` (Hendrycks & Gimpel 2016, "Gaussian error linear units"). Any shape, float32. */
export const geluErf = activation(
  'GeluErf',
  (x) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  (dy, x) => {
    const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(dy, add(cumulative, mul(x, density)));
  },
);

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Twice the tanh's argument. With it, (1 + tanh(u)) / 2 is σ(2u), which every backend computes fast and accurately. */
const doubledArgument = (x: Tensor) => mul(mul(x, 2 * SQRT_2_OVER_PI), add(mul(square(x), CUBIC), 1));

/**
 * `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, the approximation that GPT-2 uses; `gelu_new` and `gelu_pytorch_tanh` in
 * Hugging Face's configs. Any shape, float32.
 */
export const geluTanh = activation(
  'GeluTanh',
  (x) => mul(x, sigmoid(doubledArgument(x))),
  (dy, x) => {
    const s = sigmoid(doubledArgument(x));
    const slope = mul(add(mul(square(x), 3 * CUBIC), 1), 2 * SQRT_2_OVER_PI); // of the doubled argument
    return mul(dy, mul(s, add(mul(mul(x, sub(1, s)), slope), 1)));
  },
);
