import '@tensorflow/tfjs-backend-cpu';
import { ConfigError } from '@minigpt/core';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type ActivationName, activationName, activations } from './index.ts';

/** At 1.5, from the formulas in float64; erf(1.5/√2) is 0.8663855974622838. */
const at1_5: Readonly<Record<string, number>> = {
  gelu: 0.75 * (1 + 0.8663855974622838),
  gelu_new: 0.75 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (1.5 + 0.044715 * 1.5 ** 3))),
  relu: 1.5,
  relu2: 2.25,
  silu: 1.5 / (1 + Math.exp(-1.5)),
  tanh: Math.tanh(1.5),
};

it.each(Object.entries(at1_5))('%s is the function of that name', (name, expected) => {
  const [value] = tidy(() => activations[name as ActivationName](tensor1d([1.5])).dataSync());
  expect(Math.abs(value - expected)).toBeLessThan(3e-7);
});

it('refuses a name that it does not know, and lists those that it does', () => {
  expect(activationName('gelu_new')).toBe('gelu_new');
  for (const name of ['geluu', 'toString', undefined, 3]) {
    expect(() => activationName(name)).toThrow(ConfigError);
    expect(() => activationName(name)).toThrow('gelu_new');
  }
});
