import { customGrad, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';

/** A value, and how to turn its gradient into those of the inputs. */
export interface Differentiable<T extends Tensor> {
  readonly value: T;
  /** @param saved what the forward pass gave to `save`, in that order. @returns one gradient for each input. */
  readonly backward: (dy: T, saved: Tensor[]) => Tensor[];
}

/**
 * An operation with a gradient of its own: tfjs records it as one step instead of looking inside.
 *
 * Whatever `backward` reads must go through `save`: a tensor that is only captured may have been disposed by then.
 */
export function withGradient<T extends Tensor>(
  inputs: readonly Tensor[],
  forward: (save: (...tensors: Tensor[]) => void) => Differentiable<T>,
): T {
  const run = customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const save = args.at(-1) as GradSaveFunc;
    const { value, backward } = forward((...tensors) => save(tensors));
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => backward(dy as T, saved) };
  });
  return run(...inputs) as T;
}
