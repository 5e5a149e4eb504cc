import { assignAll, ConfigError, feed, type StateDict } from '@minigpt/core';
import { type Scalar, type Tensor, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';
import type { Optimizer, StepNumbers } from './optimizer.ts';

/** One parameter, its gradient, and its state by name. */
export interface Slot<State extends string> {
  readonly name: string;
  readonly parameter: Variable;
  readonly grad: Tensor;
  readonly state: Readonly<Record<State, Variable>>;
}

export interface ElementwiseOptions<State extends string, Name extends string> {
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Names of the state tensors; each begins as zeros in the shape of its parameter. */
  readonly state: readonly State[];
  /** What changes from step to step, by name: the learning rate, bias corrections. */
  readonly scalars: (numbers: StepNumbers) => Readonly<Record<Name, number>>;
  /** Computes new values for all slots and assigns them, given the scalars as tensors; it runs in a `tidy`. */
  readonly update: (slots: readonly Slot<State>[], scalars: Readonly<Record<Name, Scalar>>) => void;
}

/** An optimizer that treats each parameter by itself. Frozen parameters are left out for good. */
export function elementwiseOptimizer<State extends string, Name extends string>(
  options: ElementwiseOptions<State, Name>,
): Optimizer {
  const { scalars, update, state: stateNames } = options;
  const trained = new Map([...options.parameters].filter(([, { trainable }]) => trainable));
  const zeros = (parameter: Variable) => tidy(() => variable(zerosLike(parameter), false));
  const states = new Map(
    [...trained].map(([name, parameter]) => {
      const own = Object.fromEntries(stateNames.map((key) => [key, zeros(parameter)]));
      return [name, own as Record<State, Variable>];
    }),
  );
  let stepCount = 0;

  const variables = () =>
    new Map(
      [...states].flatMap(([name, own]) => stateNames.map((key) => [`${name}.${key}`, own[key]] as const)),
    );

  /** The scalars as tensors; a step that was compiled asks for their numbers again in each run. */
  function fed(numbers: () => StepNumbers): Readonly<Record<Name, Scalar>> {
    const names = Object.keys(scalars(numbers())) as Name[];
    const numberOf = (name: Name) => Float32Array.of(scalars(numbers())[name]);
    const entries = names.map((name) => [
      name,
      feed(() => ({ dtype: 'float32', shape: [], data: numberOf(name) })),
    ]);
    return Object.fromEntries(entries) as Record<Name, Scalar>;
  }

  const optimizer: Optimizer = {
    get stepCount() {
      return stepCount;
    },
    step(grads, learningRate) {
      optimizer.update(grads, () => ({ learningRate, step: stepCount + 1 }));
      optimizer.advance();
    },
    update(grads, numbers) {
      for (const name of grads.keys()) checkTrained(name, trained);
      const slots = [...grads].map(([name, grad]) => {
        const parameter = trained.get(name) as Variable;
        return { name, parameter, grad, state: states.get(name) as Record<State, Variable> };
      });
      tidy(() => update(slots, fed(numbers)));
    },
    advance() {
      stepCount++;
    },
    variables,
    restore(state: StateDict, restoredStepCount: number) {
      assignAll(variables(), state);
      stepCount = restoredStepCount;
    },
    dispose() {
      for (const state of variables().values()) state.dispose();
    },
  };
  return optimizer;
}

/** Updates one slot at a time, each in a `tidy` of its own. */
export function forEachSlot<State extends string, Name extends string>(
  update: (slot: Slot<State>, scalars: Readonly<Record<Name, Scalar>>) => void,
): ElementwiseOptions<State, Name>['update'] {
  return (slots, scalars) => {
    for (const slot of slots) tidy(() => update(slot, scalars));
  };
}

function checkTrained(name: string, trained: ReadonlyMap<string, Variable>): void {
  if (trained.has(name)) return;
  throw new ConfigError(
    'grads',
    `An optimizer trains the parameters that it was made with, but a gradient of ${JSON.stringify(name)} came; make the optimizer after parameters are added or unfrozen.`,
  );
}
