import { assignAll, ConfigError, type StateDict } from '@minigpt/core';
import { type Tensor, tidy, type Variable, variable, zerosLike } from '@tensorflow/tfjs-core';
import type { Optimizer } from './optimizer.ts';

/** One parameter, its gradient, and its state by name. */
interface Slot<State extends string> {
  readonly name: string;
  readonly parameter: Variable;
  readonly grad: Tensor;
  readonly state: Readonly<Record<State, Variable>>;
}

/** Computes new values for one slot and assigns them; it runs in a `tidy`. */
type Update<State extends string> = (slot: Slot<State>) => void;

export interface ElementwiseOptions<State extends string> {
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Names of the state tensors; each begins as zeros in the shape of its parameter. */
  readonly state: readonly State[];
  /** Prepares a step: makes, once for all parameters, the scalars that the update reads. `step` counts from 1. */
  readonly begin: (learningRate: number, step: number) => Update<State>;
}

/**
 * An optimizer that treats each parameter by itself. Frozen parameters are left out for good.
 *
 * What changes from step to step (the learning rate, bias corrections) enters as scalar tensors made by `begin`, so that
 * whoever records the kernels of one step can feed them; they are disposed when the step ends.
 */
export function elementwiseOptimizer<State extends string>(options: ElementwiseOptions<State>): Optimizer {
  const { begin, state: stateNames } = options;
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

  return {
    get stepCount() {
      return stepCount;
    },
    step(grads: ReadonlyMap<string, Tensor>, learningRate: number) {
      for (const name of grads.keys()) checkTrained(name, trained);
      tidy(() => {
        const update = begin(learningRate, stepCount + 1);
        for (const [name, grad] of grads) {
          const parameter = trained.get(name) as Variable;
          const state = states.get(name) as Record<State, Variable>;
          tidy(() => update({ name, parameter, grad, state }));
        }
      });
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
}

function checkTrained(name: string, trained: ReadonlyMap<string, Variable>): void {
  if (trained.has(name)) return;
  throw new ConfigError(
    'grads',
    `An optimizer trains the parameters that it was made with, but a gradient of ${JSON.stringify(name)} came; make the optimizer after parameters are added or unfrozen.`,
  );
}
