import {
  ConfigError,
  dispose,
  type LanguageModel,
  loadStateDict,
  parameters,
  type StateDict,
  StateDictError,
} from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { createTokenizer, type Tokenizer, TokenizerError } from '@minigpt/tokenizers';
import { type Checkpoint, FILES } from './checkpoint.ts';
import { CheckpointFileError, TokenizerMismatchError } from './errors.ts';

/** A model with its weights, and the tokenizer that it was trained with. */
export interface LoadedModel {
  /** The caller owns it and disposes it. */
  readonly model: LanguageModel;
  /** Undefined where the checkpoint has none. */
  readonly tokenizer: Tokenizer | undefined;
}

export interface ModelFromCheckpointOptions {
  /** What errors call the checkpoint. Default `in memory`. */
  readonly name?: string;
}

/**
 * Builds the model of a checkpoint and its tokenizer, on the current backend.
 *
 * @throws CheckpointFileError where a file does not describe a model, weights or tokenizer that fit; nothing stays loaded
 * @throws TokenizerMismatchError where the tokenizer has ids that the model lacks
 */
export function modelFromCheckpoint(
  { config, weights, tokenizer: spec }: Checkpoint,
  { name = 'in memory' }: ModelFromCheckpointOptions = {},
): LoadedModel {
  const refusing = <T>(file: string, Failure: ErrorClass, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw cause instanceof Failure ? new CheckpointFileError(name, file, cause.message, { cause }) : cause;
    }
  };
  const tokenizer = spec && refusing(FILES.tokenizer, TokenizerError, () => createTokenizer(spec));
  const model = refusing(FILES.config, ConfigError, () => modelFromConfig(config));
  try {
    if (tokenizer !== undefined && tokenizer.vocabSize > model.vocabSize) {
      throw new TokenizerMismatchError(
        name,
        `the model knows ${model.vocabSize} tokens`,
        `it has ${tokenizer.vocabSize}`,
      );
    }
    checkDtypes(model, weights, name);
    refusing(FILES.weights, StateDictError, () => loadStateDict(model, weights));
  } catch (error) {
    dispose(model);
    throw error;
  }
  return { model, tokenizer };
}

type ErrorClass = abstract new (...args: never[]) => Error;

function checkDtypes(model: LanguageModel, weights: StateDict, name: string): void {
  for (const [parameter, { dtype }] of parameters(model)) {
    const found = weights.get(parameter)?.dtype ?? dtype;
    if (found === dtype) continue;
    throw new CheckpointFileError(name, FILES.weights, `${parameter} must be ${dtype}, but it is ${found}.`);
  }
}
