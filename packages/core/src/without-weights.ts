import { engine, KernelBackend, keep, type Tensor, Variable } from '@tensorflow/tfjs-core';
import { MinigptError } from './errors.ts';

let depth = 0;
let made = 0;
/** The parameters of the models that are being built. */
const unfinished: Variable[] = [];

/**
 * Builds a model without drawing or allocating its weights: every parameter has its name, shape and dtype, and no values.
 * For looking at a model that would not fit into memory, and before loading a checkpoint, whose values make the first ones
 * a waste. A parameter can be assigned as usual; reading it before throws MinigptError.
 * Where building fails, the parameters that were there by then are disposed.
 */
export function withoutWeights<T>(build: () => T): T {
  const before = unfinished.length;
  depth++;
  try {
    return build();
  } catch (error) {
    for (const variable of unfinished.splice(before)) variable.dispose();
    throw error;
  } finally {
    depth--;
    unfinished.length = before;
  }
}

/** A first value of a parameter: what `draw` makes, or inside {@link withoutWeights} a float32 tensor of that shape without values. */
export function firstValue(shape: readonly number[], draw: () => Tensor): Tensor {
  if (depth === 0) return draw();
  const info = { dataId: new Absent(), shape: [...shape], dtype: 'float32' as const };
  return engine().makeTensorFromTensorInfo(info, nowhere);
}

/** Whether {@link firstValue} left out the values. */
export function isWithoutValues({ dataId }: Tensor): boolean {
  return dataId instanceof Absent;
}

/** The variable of a tensor without values, in whose place it stands: no backend can count a reference to what it never had. */
export function variableWithoutValues(initial: Tensor, trainable: boolean): Variable {
  const variable = new LateVariable(keep(initial), trainable, `without values ${made++}`, initial.id);
  unfinished.push(variable);
  return variable;
}

/** A variable that tfjs counts among its own once it has values. */
class LateVariable extends Variable {
  override assign(value: Tensor): void {
    super.assign(value);
    engine().state.registeredVariables[this.name] = this;
  }
}

/** Stands for the values of a tensor that has none. */
class Absent {}

/** The tfjs backend of such tensors. */
class Nowhere extends KernelBackend {
  override disposeData(): boolean {
    return true;
  }

  override refCount(): number {
    return 1;
  }

  override readSync(): never {
    throw new MinigptError(
      'A parameter must have values before it is used, but this model was built without weights; load a state dict first.',
    );
  }

  override async read(): Promise<never> {
    return this.readSync();
  }
}

const nowhere = new Nowhere();
