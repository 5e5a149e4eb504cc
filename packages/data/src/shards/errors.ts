import { MinigptError, writeFailure } from '@minigpt/core';

/** A folder of shards, or one of its files, is missing, damaged, or not what was asked for. */
export class ShardError extends MinigptError {
  /** The folder, as the caller named it. */
  readonly folder: string;
  /** The file in it; undefined where the fault is not in one file. */
  readonly file: string | undefined;

  constructor(folder: string, file: string | undefined, reason: string, options?: ErrorOptions) {
    const what = file === undefined ? `The shards in ${folder}` : `${file} of the shards in ${folder}`;
    super(`${what} cannot be used: ${reason}.`, options);
    this.folder = folder;
    this.file = file;
  }
}

/** A document, or a file of documents, that cannot be tokenised. */
export class ShardSourceError extends MinigptError {
  /** Where the documents come from: a path, and a place in it where there is one. */
  readonly source: string;
  readonly reason: string;

  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`Cannot tokenise ${source}: ${reason}.`, options);
    this.source = source;
    this.reason = reason;
  }
}

/** The file system refused a shard: disk full, folder not writable, and the like. What was written before stays usable. */
export class ShardWriteError extends MinigptError {
  readonly folder: string;
  /** The system's error code, such as `ENOSPC`. */
  readonly code: string;

  constructor(folder: string, tokens: number, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? cause.name;
    super(
      `The shards could not be written to ${folder}: ${writeFailure(cause)}; ` +
        (tokens === 0
          ? 'nothing was there before.'
          : `the ${tokens.toLocaleString('en-US')} tokens that it holds stay usable, and the same call goes on after them.`),
      { cause },
    );
    this.folder = folder;
    this.code = code;
  }
}
