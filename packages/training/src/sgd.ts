import { ConfigError } from '@minigpt/core';
import { add, mul, sub, type Variable } from '@tensorflow/tfjs-core';
import { checkFraction, checkNonNegative } from './check.ts';
import { elementwiseOptimizer, forEachSlot } from './elementwise-optimizer.ts';
import type { Optimizer } from './optimizer.ts';

export interface SgdOptions {
  readonly parameters: ReadonlyMap<string, Variable>;
  /** μ: how much of the running sum of gradients a step keeps. Default 0: none is kept. */
  readonly momentum?: number;
  /** Look ahead along the momentum (Nesterov 1983, in the form of Sutskever et al. 2013). Default false. */
  readonly nesterov?: boolean;
  /** λ of an L2 penalty: λ p is added to the gradient, so unlike AdamW's decay it enters the momentum. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent as `torch.optim.SGD` without dampening:
 *
 *     g ← g + λ p        b ← μ b + g        p ← p - η (g + μ b  with nesterov,  b otherwise)
 *
 * State: `momentum_buffer` (b) of each parameter where there is momentum.
 *
 * @throws ConfigError
 */
export function sgd({ parameters, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions): Optimizer {
  checkFraction('momentum', momentum);
  checkNonNegative('weightDecay', weightDecay);
  if (nesterov && momentum === 0) {
    throw new ConfigError(
      'nesterov',
      'Nesterov looks ahead along the momentum, but momentum is 0; set it to 0.9, say.',
    );
  }
  return elementwiseOptimizer({
    parameters,
    state: momentum > 0 ? ['momentum_buffer'] : [],
    scalars: ({ learningRate }) => ({ rate: learningRate }),
    update: forEachSlot(({ parameter, grad, state }, { rate }) => {
      const g = weightDecay > 0 ? add(grad, mul(parameter, weightDecay)) : grad;
      let direction = g;
      if (momentum > 0) {
        const buffer = add(mul(state.momentum_buffer, momentum), g);
        state.momentum_buffer.assign(buffer);
        direction = nesterov ? add(g, mul(buffer, momentum)) : buffer;
      }
      parameter.assign(sub(parameter, mul(direction, rate)));
    }),
  });
}
