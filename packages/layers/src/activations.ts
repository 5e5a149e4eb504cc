import { ConfigError } from '@minigpt/core';
import { geluErf, geluTanh, reluSquared, silu } from '@minigpt/ops';
import { relu, type Tensor, tanh } from '@tensorflow/tfjs-core';

/** The activation functions by the names that Hugging Face's configs use. */
export const activations = {
  gelu: geluErf,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x: Tensor) => relu(x),
  relu2: reluSquared,
  silu,
  swish: silu,
  tanh: (x: Tensor) => tanh(x),
} as const satisfies Record<string, (x: Tensor) => Tensor>;

export type ActivationName = keyof typeof activations;

/** @throws ConfigError if there is no activation of that name. */
export function activationName(name: unknown): ActivationName {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return name as ActivationName;
  const known = Object.keys(activations).join(', ');
  throw new ConfigError(
    'activation',
    `The activation must be one of ${known}, but ${JSON.stringify(name)} came.`,
  );
}
