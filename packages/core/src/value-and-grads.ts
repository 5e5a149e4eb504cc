import { type Scalar, type Tensor, type Variable, variableGrads } from '@tensorflow/tfjs-core';
import { registerGradients } from './gradients.ts';

/** A loss and its gradients by parameter name; the caller owns all of these tensors. */
export interface ValueAndGrads {
  readonly value: Scalar;
  /** Same names and shapes as the parameters. A parameter that the loss does not depend on has no entry. */
  readonly grads: Map<string, Tensor>;
}

/**
 * Runs `loss` and differentiates it.
 *
 * @param loss a function that returns a scalar computed from the parameters.
 * @param parameters by name, as `parameters(model)` gives them; frozen ones are left out.
 */
export function valueAndGrads(loss: () => Scalar, parameters: ReadonlyMap<string, Variable>): ValueAndGrads {
  registerGradients();
  const trained = [...parameters].filter(([, variable]) => variable.trainable);
  const { value, grads } = variableGrads(
    loss,
    trained.map(([, variable]) => variable),
  );
  const byName = new Map<string, Tensor>();
  for (const [name, variable] of trained) {
    const gradient = grads[variable.name] as Tensor | null | undefined; // absent where the loss does not depend on it
    if (gradient != null) byName.set(name, gradient);
  }
  return { value, grads: byName };
}
