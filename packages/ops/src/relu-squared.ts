import { mul, relu, square } from '@tensorflow/tfjs-core';
import { activation } from './activation.ts';

/** `max(0, x)²` (So et al. 2021, "Primer: searching for efficient transformers"). Any shape, float32. */
export const reluSquared = activation(
  'ReluSquared',
  (x) => square(relu(x)),
  (dy, x) => mul(dy, mul(relu(x), 2)),
);
