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
import { elementwiseOptimizer } from './elementwise-optimizer.ts';
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
 * Kernel: `AdamW` `{parameter, grad, expAvg, expAvgSq, decay, rate, epsilon}`, the last three scalars, attributes `beta1`,
 * `beta2` → `[parameter, expAvg, expAvgSq]`, computed as {@link adamWUpdate} does; the inputs are to stay as they are.
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
    update: ({ name, parameter, grad, state }, { rate, epsilon, decay }) => {
      const inputs = {
        parameter,
        grad,
        expAvg: state.exp_avg,
        expAvgSq: state.exp_avg_sq,
        decay: decaying.has(name) ? decay : scalar(1),
        rate,
        epsilon,
      };
      const constants = { beta1, beta2 };
      const [nextParameter, expAvg, expAvgSq] = hasKernel('AdamW')
        ? runKernel('AdamW', inputs, constants)
        : adamWUpdate(inputs, constants);
      parameter.assign(nextParameter);
      state.exp_avg.assign(expAvg);
      state.exp_avg_sq.assign(expAvgSq);
    },
  });
}

function isMatrix(_name: string, parameter: Variable): boolean {
  return parameter.rank >= 2;
}

export interface AdamWInputs {
  readonly parameter: Tensor;
  readonly grad: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** 1 - η λ, or 1 where nothing decays. */
  readonly decay: Scalar;
  /** η √(1 - β₂ᵗ) / (1 - β₁ᵗ) */
  readonly rate: Scalar;
  /** eps √(1 - β₂ᵗ) */
  readonly epsilon: Scalar;
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
