import { type AnyModule, loadStateDict, type StateDict, stateDict, toHost } from '@minigpt/core';
import type { Optimizer } from './optimizer.ts';

/** All that a run needs to go on exactly where it was: batches and dropout follow from the seed and the step. */
export interface TrainingState {
  /** Steps taken. */
  readonly step: number;
  readonly seed: number;
  /** Parameters by name. */
  readonly model: StateDict;
  /** The optimizer's variables by name. */
  readonly optimizer: StateDict;
}

export interface Trained {
  readonly model: AnyModule;
  readonly optimizer: Optimizer;
}

/** Copies the state of a run to the host. */
export async function captureState({ model, optimizer }: Trained, seed: number): Promise<TrainingState> {
  const variables = new Map<string, Awaited<ReturnType<typeof toHost>>>();
  for (const [name, variable] of optimizer.variables()) variables.set(name, await toHost(variable));
  return { step: optimizer.stepCount, seed, model: await stateDict(model), optimizer: variables };
}

/**
 * Puts a model and an optimizer back into a saved state; `train` with the state's seed then goes on as if the run had not
 * been stopped, bit for bit on the same backend.
 *
 * @throws StateDictError if the model or the optimizer is not of the kind that was saved
 */
export function restoreState({ model, optimizer }: Trained, state: TrainingState): void {
  loadStateDict(model, state.model);
  optimizer.restore(state.optimizer, state.step);
}
