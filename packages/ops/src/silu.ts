import { add, mul, sigmoid, sub } from '@tensorflow/tfjs-core';
import { activation } from './activation.ts';

/** `x σ(x)`, also called swish (Elfwing, Uchibe, Doya 2017). Any shape, float32. */
export const silu = activation(
  'Silu',
  (x) => mul(x, sigmoid(x)),
  (dy, x) => {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
  },
);
