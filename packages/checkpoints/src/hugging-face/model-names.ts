import { checkpointRules, parameterName } from '@minigpt/models';
import { CheckpointError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { type LazyStateDict, type TensorInfo, TensorNotFoundError } from '../source/lazy-state-dict.ts';

/** Several tensors of a checkpoint hold the same parameter. */
export class DuplicateWeightError extends CheckpointError {
  readonly parameter: string;
  readonly tensors: readonly string[];

  constructor(parameter: string, tensors: readonly string[]) {
    super(
      `A parameter must be one tensor of the checkpoint, but ${parameter} is there ${tensors.length} times, as ` +
        `${tensors.join(' and ')}; nothing was loaded.`,
    );
    this.parameter = parameter;
    this.tensors = tensors;
  }
}

/**
 * The tensors of a checkpoint that hold parameters, under the names that these have in the model (`checkpointRules`): the hub's
 * gpt2 gets its prefix, masks and copies of tied weights are left out.
 *
 * @throws DuplicateWeightError
 */
export function underModelNames(config: JsonObject, weights: LazyStateDict): LazyStateDict {
  const rules = checkpointRules(config);
  const stored = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const [tensor, info] of weights.tensors) {
    const name = parameterName(tensor, rules);
    if (name === undefined) continue;
    const other = stored.get(name);
    if (other !== undefined) throw new DuplicateWeightError(name, [other, tensor]);
    stored.set(name, tensor);
    tensors.set(name, info);
  }
  return {
    tensors,
    async read(name) {
      const tensor = stored.get(name);
      if (tensor === undefined) throw new TensorNotFoundError(name, 'the checkpoint');
      return weights.read(tensor);
    },
    close: () => weights.close(),
  };
}
