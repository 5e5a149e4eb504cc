import { hasKernel, runKernel } from '@minigpt/ops';
import {
  add,
  addN,
  div,
  minimum,
  mul,
  type Scalar,
  sqrt,
  square,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';

/**
 * The length of all gradients together, as one vector: √Σ g². Without any gradient it is an error of the caller.
 *
 * Kernel: `GlobalNorm` `{0, 1, …}`, the gradients → `[norm]`.
 */
export function globalNorm(grads: ReadonlyMap<string, Tensor>): Scalar {
  if (hasKernel('GlobalNorm'))
    return runKernel('GlobalNorm', Object.fromEntries([...grads.values()].entries()))[0] as Scalar;
  return tidy(() => sqrt(addN([...grads.values()].map((grad) => sum<Scalar>(square(grad))))));
}

/** Gradients whose norm is limited, and the norm that they had; the caller owns these tensors. */
export interface ClippedGrads {
  readonly grads: Map<string, Tensor>;
  /** Before clipping. */
  readonly norm: Scalar;
}

/**
 * Shortens all gradients by the same factor, min(1, maxNorm / (norm + 1e-6)) with the norm of all of them together
 * (Pascanu, Mikolov and Bengio 2013; the 1e-6 is that of `torch.nn.utils.clip_grad_norm_`).
 *
 * Kernel of the product: `ScaleAll` `{factor, 0, 1, …}`, a scalar and the gradients → their products with it, in order.
 *
 * @param grads stay the caller's.
 */
export function clipGradsByGlobalNorm(grads: ReadonlyMap<string, Tensor>, maxNorm: number): ClippedGrads {
  const norm = globalNorm(grads);
  const clipped = tidy(() => {
    const factor = minimum(1, div(maxNorm, add(norm, 1e-6)));
    const all = [...grads.values()];
    return hasKernel('ScaleAll')
      ? runKernel('ScaleAll', { factor, ...Object.fromEntries(all.entries()) })
      : all.map((grad) => mul(grad, factor));
  });
  return { grads: new Map([...grads.keys()].map((name, i) => [name, clipped[i]])), norm };
}
