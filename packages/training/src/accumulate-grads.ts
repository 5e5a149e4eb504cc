import { type ValueAndGrads, valueAndGrads } from '@minigpt/core';
import { add, dispose, div, type Scalar, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/**
 * The mean of several losses and its gradients, one loss at a time: micro-batches of equal size give what one large batch
 * would, in the memory of one.
 *
 * @param loss the loss of micro-batch 0…`count` - 1
 * @param parameters by name; frozen ones are left out.
 */
export function accumulateGrads(
  loss: (index: number) => Scalar,
  parameters: ReadonlyMap<string, Variable>,
  count: number,
): ValueAndGrads {
  let names: string[] = [];
  const [value, ...grads] = tidy(() => {
    let total = meanShare(0);
    for (let index = 1; index < count; index++) total = addUp(total, meanShare(index));
    names = [...total.grads.keys()];
    return [total.value, ...total.grads.values()];
  });
  return { value: value as Scalar, grads: new Map(names.map((name, i) => [name, grads[i]])) };

  function meanShare(index: number): ValueAndGrads {
    return valueAndGrads(() => (count === 1 ? loss(index) : div(loss(index), count)), parameters);
  }
}

/** The sum of both, which are disposed: only one set of gradients stays. */
function addUp(a: ValueAndGrads, b: ValueAndGrads): ValueAndGrads {
  const grads = new Map<string, Tensor>(a.grads);
  for (const [name, grad] of b.grads) grads.set(name, sumAndDispose(grads.get(name), grad));
  return { value: sumAndDispose(a.value, b.value), grads };
}

function sumAndDispose<T extends Tensor>(a: T | undefined, b: T): T {
  if (a === undefined) return b;
  const sum = add<T>(a, b);
  dispose([a, b]);
  return sum;
}
