import { Tensor, type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { Context } from './context.ts';

/**
 * A part of a model. Its public fields are its parameters (`Variable`), its children (`Module`s or arrays of them) and its
 * settings; **the path to a field is its name in a checkpoint**. What is done *to* a model (`parameters`, `stateDict`,
 * `freeze`, …) are free functions over that tree.
 *
 * @typeParam In what `forward` takes, a tensor unless said otherwise.
 * @typeParam Out what it returns.
 */
export abstract class Module<In extends TensorContainer = Tensor, Out extends TensorContainer = Tensor> {
  /** The maths. It never disposes: `call` tidies what it leaves behind. */
  protected abstract forward(input: In, ctx: Context): Out;

  /** Runs `forward`, disposes its intermediate tensors, and shows the output to the context's tap. */
  call(input: In, ctx: Context = Context.evaluation()): Out {
    return tidy(() => {
      const output = this.forward(input, ctx);
      return output instanceof Tensor ? ctx.observe(output) : output;
    });
  }
}
