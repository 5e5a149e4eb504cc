import type { StateDict } from '@minigpt/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';

/** What an optimizer needs to know of a step besides the gradients. */
export interface StepNumbers {
  readonly learningRate: number;
  /** Which one it is, counted from 1. */
  readonly step: number;
}

/** Changes parameters by their gradients, and owns the state that it needs for that. */
export interface Optimizer {
  /** How many steps have been taken, those before a {@link restore} included. */
  readonly stepCount: number;

  /**
   * Takes one step. A parameter without a gradient stays as it is, its state too.
   *
   * @param grads by parameter name, as `valueAndGrads` gives them; the caller keeps owning them.
   * @throws ConfigError if a gradient's name is not that of a parameter which this optimizer trains.
   */
  step(grads: ReadonlyMap<string, Tensor>, learningRate: number): void;

  /**
   * What {@link step} does to parameters and state, without counting it: for a step that is compiled.
   *
   * @param numbers enter through `feed`, so they are asked for again in each run of the compiled step.
   */
  update(grads: ReadonlyMap<string, Tensor>, numbers: () => StepNumbers): void;

  /** Counts a step that a compiled {@link update} has taken. */
  advance(): void;

  /** The state by name, to be saved: `<parameter>.<name that PyTorch gives it>`. */
  variables(): Map<string, Variable>;

  /** Takes over state saved after `stepCount` steps. @throws StateDictError, and then nothing has been changed. */
  restore(state: StateDict, stepCount: number): void;

  /** Frees the state; the parameters stay. */
  dispose(): void;
}
