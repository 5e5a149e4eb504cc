import { customGrad, engine, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';
import { Context } from './context.ts';
import { registerGradients } from './gradients.ts';
import type { Module } from './module.ts';
import { trainableParameters } from './tree.ts';

/**
 * Gradient checkpointing (Chen, Xu, Zhang, Guestrin 2016, "Training deep nets with sublinear memory cost"): calls `module`
 * on `input` keeping only the input, and computes the activations a second time when the gradient asks for them. Values and
 * gradients are those of `module.call(input, ctx)`: dropout draws the same masks both times, since keys depend on the place.
 */
export function checkpoint(module: Module, input: Tensor, ctx: Context = Context.evaluation()): Tensor {
  registerGradients();
  const weights = [...trainableParameters(module).values()];
  const run = customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const save = args.at(-1) as GradSaveFunc;
    const value = module.call(args[0] as Tensor, ctx);
    save([args[0] as Tensor]);
    const gradFunc = (dy: Tensor, [saved]: Tensor[]) =>
      withTapeOfItsOwn(
        () => engine().gradients(() => module.call(saved, ctx), [saved, ...weights], dy).grads,
      );
    return { value, gradFunc };
  });
  return run(input, ...weights);
}

/** tfjs has one gradient tape: differentiating inside a gradient would wipe the outer one, so it is put aside. */
function withTapeOfItsOwn<T>(differentiate: () => T): T {
  const { state } = engine();
  const outer = state.activeTape;
  try {
    return differentiate();
  } finally {
    state.activeTape = outer;
  }
}
