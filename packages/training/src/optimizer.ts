import type { StateDict } from '@minigpt/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';

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

  /** The state by name, to be saved: `<parameter>.<name that PyTorch gives it>`. */
  variables(): Map<string, Variable>;

  /** Takes over state saved after `stepCount` steps. @throws StateDictError, and then nothing has been changed. */
  restore(state: StateDict, stepCount: number): void;

  /** Frees the state; the parameters stay. */
  dispose(): void;
}
