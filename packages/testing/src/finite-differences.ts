import { fromHost, type HostTensor, Rng, valueAndGrads } from '@minigpt/core';
import {
  dispose,
  mul,
  type Scalar,
  sum,
  type Tensor,
  tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { randomNormal } from './random.ts';

export interface FiniteDifferencesOptions {
  /** Largest difference, relative to the largest gradient of the same tensor where that exceeds 1. */
  readonly tolerance?: number;
  /** How many elements of each tensor are tried, spread evenly over it. */
  readonly elements?: number;
  /** h: by how much an element is moved. */
  readonly step?: number;
}

/**
 * Compares the gradients of `f` with differences of its values: (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h,
 * whose own error is of order h⁴, so that h can be large enough for float32. An `f` that returns a tensor is made a number
 * by fixed random weights. Run it on a backend that reads synchronously, such as cpu.
 *
 * @param f computes a float32 tensor from the variables, the same whenever it is called
 * @param variables by name; their values are put back
 */
export function expectFiniteDifferences(
  f: () => Tensor,
  variables: ReadonlyMap<string, Variable>,
  { tolerance = 1e-5, elements = 32, step = 2 ** -5 }: FiniteDifferencesOptions = {},
): void {
  const weights = randomNormal(
    tidy(() => f().shape),
    new Rng(0).fold('cotangent'),
  );
  const analytic = gradientsOf(f, variables, weights);
  const valueNow = () => tidy(() => dot(f().dataSync<'float32'>(), weights.data));

  for (const [name, variable] of variables) {
    const gradient = analytic.get(name);
    expect(gradient, `gradient of ${name}`).toBeDefined();
    const kept = variable.dataSync().slice();
    const valueAt = (index: number, value: number) => {
      const moved = kept.slice();
      moved[index] = value;
      tidy(() => variable.assign(tensor(moved, variable.shape)));
      const there = valueNow();
      tidy(() => variable.assign(tensor(kept, variable.shape)));
      return there;
    };
    const scale = gradient!.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    for (let index = 0; index < kept.length; index += Math.ceil(kept.length / elements)) {
      const difference = (h: number) => valueAt(index, kept[index] + h) - valueAt(index, kept[index] - h);
      const numeric = (8 * difference(step) - difference(2 * step)) / (12 * step);
      const error = Math.abs(gradient![index] - numeric) / scale;
      const what = `d/d${name}[${index}]: gradient ${gradient![index]}, finite difference ${numeric}`;
      expect(error, what).toBeLessThanOrEqual(tolerance);
    }
  }
}

/** Σ a · b in float64. */
function dot(a: Float32Array, b: ArrayLike<number>): number {
  return a.reduce((total, value, i) => total + value * b[i], 0);
}

/** The gradients of Σ f · weights on the host, by name. */
function gradientsOf(
  f: () => Tensor,
  variables: ReadonlyMap<string, Variable>,
  weights: HostTensor,
): Map<string, Float32Array> {
  const { value, grads } = valueAndGrads(() => sum(mul(f(), fromHost(weights))) as Scalar, variables);
  const onHost = new Map([...grads].map(([name, gradient]) => [name, gradient.dataSync<'float32'>()]));
  dispose([value, ...grads.values()]);
  return onHost;
}
