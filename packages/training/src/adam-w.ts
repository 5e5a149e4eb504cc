import { hasKernel, runKernel } from '@minigpt/ops';
import {
  add,
  div,
  mul,
  type Scalar,
  scalar,
  sqrt,
  square,
  sub,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import { checkFraction, checkNonNegative } from './check.ts';
import { elementwiseOptimizer, forEachSlot, type Slot } from './elementwise-optimizer.ts';
import type { Optimizer } from './optimizer.ts';

export interface AdamWOptions {
  readonly parameters: ReadonlyMap<string, Variable>;
  /** β₁ and β₂: how much of the running means of the gradient and of its square a step keeps. Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the bias-corrected second moment. Default 1e-8. */
  readonly eps?: number;
  /** λ: a step first multiplies decaying parameters by 1 - learningRate · λ. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay. Default: those of two or more dimensions, so neither biases nor norms. */
  readonly decays?: (name: string, parameter: Variable) => boolean;
}

/**
 * AdamW (Kingma and Ba 2015; decay decoupled by Loshchilov and Hutter 2019), as `torch.optim.AdamW`. At step t:
 *
 *     p ← p · (1 - η λ)
 *     m ← m + (1 - β₁)(g - m)            v ← β₂ v + (1 - β₂) g²
 *     p ← p - η / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps)
 *
 * State: `exp_avg` (m) and `exp_avg_sq` (v) of each parameter. Every parameter counts the optimizer's steps as t.
 *
 * Kernels: `AdamWAll` `{decay, rate, epsilon, parameter0, grad0, expAvg0, expAvgSq0, parameter1, …}`, the first three scalars,
 * attributes `beta1`, `beta2` and, for each parameter, `decays` → `[parameter0, expAvg0, expAvgSq0, parameter1, …]`, computed as
 * {@link adamWUpdate} does, in the memory of the inputs where nothing else holds it. Without it, for each parameter, `AdamW`
 * `{parameter, grad, expAvg, expAvgSq, decay, rate, epsilon}`, attributes `beta1`, `beta2` → `[parameter, expAvg, expAvgSq]`, which
 * leaves the inputs as they are.
 *
 * @throws ConfigError
 */
export function adamW(options: AdamWOptions): Optimizer {
  const { parameters, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, decays = isMatrix } = options;
  const [beta1, beta2] = betas;
  checkFraction('betas', beta1);
  checkFraction('betas', beta2);
  checkNonNegative('eps', eps);
  checkNonNegative('weightDecay', weightDecay);

  const decaying = new Set([...parameters].filter((entry) => decays(...entry)).map(([name]) => name));
  const constants = { beta1, beta2 };

  const updateEach = forEachSlot<State, keyof Scalars>(({ name, parameter, grad, state }, scalars) => {
    const { exp_avg: expAvg, exp_avg_sq: expAvgSq } = state;
    const decay = decaying.has(name) ? scalars.decay : scalar(1);
    const inputs = { ...scalars, parameter, grad, expAvg, expAvgSq, decay };
    const next = hasKernel('AdamW') ? runKernel('AdamW', inputs, constants) : adamWUpdate(inputs, constants);
    for (const [i, variable] of [parameter, expAvg, expAvgSq].entries()) variable.assign(next[i]);
  });

  function updateAll(slots: readonly Slot<State>[], scalars: Scalars): void {
    const inputs: Record<string, Tensor> = { ...scalars };
    for (const [i, { parameter, grad, state }] of slots.entries()) {
      inputs[`parameter${i}`] = parameter;
      inputs[`grad${i}`] = grad;
      inputs[`expAvg${i}`] = state.exp_avg;
      inputs[`expAvgSq${i}`] = state.exp_avg_sq;
    }
    const next = runKernel('AdamWAll', inputs, {
      ...constants,
      decays: slots.map(({ name }) => decaying.has(name)),
    });
    const changed = slots.flatMap(({ parameter, state }) => [parameter, state.exp_avg, state.exp_avg_sq]);
    for (const [i, variable] of changed.entries()) variable.assign(next[i]);
  }

  return elementwiseOptimizer({
    parameters,
    state: ['exp_avg', 'exp_avg_sq'],
    scalars: ({ learningRate, step }) => {
      // Multiplying numerator and denominator by √(1 - β₂ᵗ) spares a division an element (Kingma and Ba, section 2).
      const correction = Math.sqrt(1 - beta2 ** step);
      return {
        rate: (learningRate * correction) / (1 - beta1 ** step),
        epsilon: eps * correction,
        decay: 1 - learningRate * weightDecay,
      };
    },
    update: (slots, scalars) => (hasKernel('AdamWAll') ? updateAll : updateEach)(slots, scalars),
  });
}

function isMatrix(_name: string, parameter: Variable): boolean {
  return parameter.rank >= 2;
}

type State = 'exp_avg' | 'exp_avg_sq';

/** What changes from step to step. */
interface Scalars {
  /** 1 - η λ, or 1 where nothing decays. */
  readonly decay: Scalar;
  /** η √(1 - β₂ᵗ) / (1 - β₁ᵗ) */
  readonly rate: Scalar;
  /** eps √(1 - β₂ᵗ) */
  readonly epsilon: Scalar;
}

export interface AdamWInputs extends Scalars {
  readonly parameter: Tensor;
  readonly grad: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
}

/** The reference of the kernel `AdamW`: the next parameter, first moment and second moment; all tensors of one shape. */
export function adamWUpdate(
  { parameter, grad, expAvg, expAvgSq, decay, rate, epsilon }: AdamWInputs,
  { beta1, beta2 }: { readonly beta1: number; readonly beta2: number },
): [parameter: Tensor, expAvg: Tensor, expAvgSq: Tensor] {
  const m = add(expAvg, mul(sub(grad, expAvg), 1 - beta1));
  const v = add(mul(expAvgSq, beta2), mul(square(grad), 1 - beta2));
  const change = mul(div(m, add(sqrt(v), epsilon)), rate);
  return [sub(mul(parameter, decay), change), m, v];
}
