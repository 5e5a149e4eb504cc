import { MinigptError, writeFailure } from '@minigpt/core';

/** The root of every error that this package throws on purpose. */
export class CheckpointError extends MinigptError {}

/** Which rule of the safetensors format was broken. */
export type SafetensorsRule =
  | 'header length'
  | 'header JSON'
  | 'unique names'
  | 'tensor name'
  | 'tensor entry'
  | 'metadata'
  | 'dtype'
  | 'shape'
  | 'data offsets'
  | 'no holes'
  | 'values';

/** A file is not safetensors, lies about its contents, or holds what this package cannot represent. */
export class SafetensorsError extends CheckpointError {
  readonly rule: SafetensorsRule;
  /** The tensor at fault; undefined where the fault is not in one tensor. */
  readonly tensor: string | undefined;

  constructor(rule: SafetensorsRule, message: string, tensor?: string, options?: ErrorOptions) {
    super(tensor === undefined ? message : `Tensor ${JSON.stringify(tensor)}: ${message}`, options);
    this.rule = rule;
    this.tensor = tensor;
  }
}

/** There is no checkpoint at a path: nothing at all, or something that is not a folder. */
export class CheckpointNotFoundError extends CheckpointError {
  readonly path: string;

  constructor(path: string, found: 'nothing' | 'a file') {
    super(`A checkpoint is a folder, but ${found} is at ${path}; give the folder that training wrote.`);
    this.path = path;
  }
}

/** One file of a checkpoint is missing, damaged, or contradicts the others. */
export class CheckpointFileError extends CheckpointError {
  /** The checkpoint, as the caller named it. */
  readonly checkpoint: string;
  /** The file in it, such as `model.safetensors`. */
  readonly file: string;

  constructor(checkpoint: string, file: string, reason: string, options?: ErrorOptions) {
    super(`${file} of the checkpoint ${checkpoint} cannot be used: ${reason}`, options);
    this.checkpoint = checkpoint;
    this.file = file;
  }
}

/** The tokenizer is not the one that the model was trained with. */
export class TokenizerMismatchError extends CheckpointError {
  /** What the checkpoint recorded, or what the model has room for. */
  readonly expected: string;
  readonly actual: string;

  constructor(checkpoint: string, expected: string, actual: string) {
    super(
      `The tokenizer of the checkpoint ${checkpoint} must be the one its model was trained with (${expected}), but ` +
        `another came (${actual}); put back the tokenizer.json that was saved with it.`,
    );
    this.expected = expected;
    this.actual = actual;
  }
}

/** Saving would have replaced something that is not a checkpoint of ours. */
export class ForeignFolderError extends CheckpointError {
  readonly path: string;

  constructor(path: string) {
    super(
      `Only an empty folder or an earlier checkpoint is replaced, but ${path} is neither; save to another folder.`,
    );
    this.path = path;
  }
}

/** The file system refused a checkpoint: disk full, folder not writable, and the like. The earlier one is kept. */
export class CheckpointWriteError extends CheckpointError {
  readonly path: string;
  /** The system's error code, such as `ENOSPC`. */
  readonly code: string;

  constructor(path: string, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? cause.name;
    super(
      `The checkpoint could not be saved to ${path}: ${writeFailure(cause)}; ` +
        'a checkpoint saved there before is kept.',
      { cause },
    );
    this.path = path;
    this.code = code;
  }
}
