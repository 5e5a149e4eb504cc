import { join, resolve } from 'node:path';
import { MinigptError } from '@minigpt/core';
import { type Checkpoint, readCheckpoint } from '../checkpoint.ts';
import { CheckpointFileError, CheckpointNotFoundError } from '../errors.ts';
import { followLinks, readIfThere, salvage, siblings, statIfThere } from './folder.ts';

export interface LoadCheckpointOptions {
  /** Read the optimizer's state too; with AdamW it is twice the size of the weights. Default true. */
  readonly optimizer?: boolean;
}

/**
 * Reads the checkpoint folder `dir`, also one that a killed run left between two renames, and one that is being replaced
 * meanwhile: what comes is one whole checkpoint. Nothing on the disk is changed.
 *
 * @throws CheckpointNotFoundError where there is no folder
 * @throws CheckpointFileError for a file that is missing, truncated, or not what it should be
 * @throws TokenizerMismatchError where `tokenizer.json` is not the one that was saved
 */
export async function loadCheckpoint(
  dir: string,
  { optimizer = true }: LoadCheckpointOptions = {},
): Promise<Checkpoint> {
  const name = resolve(dir);
  return readWhileReplaced(name, (folder) => {
    const read = async (file: string) => {
      try {
        return await readIfThere(join(folder, file));
      } catch (cause) {
        throw new CheckpointFileError(name, file, `it cannot be read (${(cause as Error).message}).`, {
          cause,
        });
      }
    };
    return readCheckpoint(read, { name, optimizer });
  });
}

/**
 * What `read` makes of the checkpoint folder at a path, all of one checkpoint: where the folder was replaced meanwhile, the
 * files may be of two, and it reads again.
 *
 * @param discard gives back what was read in vain
 * @throws CheckpointNotFoundError where there is no folder, and what `read` throws
 */
export async function readWhileReplaced<T>(
  path: string,
  read: (folder: string) => Promise<T>,
  discard: (result: T) => Promise<void> = async () => {},
): Promise<T> {
  for (;;) {
    const folder = await locate(await followLinks(path));
    const before = await identity(folder);
    if (before === undefined) continue; // it was renamed since we found it
    let result: { readonly value: T } | undefined;
    let failure: unknown;
    try {
      result = { value: await read(folder) };
    } catch (error) {
      if (!(error instanceof MinigptError)) throw error;
      failure = error;
    }
    const isWhole = (await identity(folder)) === before;
    if (isWhole && result === undefined) throw failure;
    if (isWhole && result !== undefined) return result.value;
    if (result !== undefined) await discard(result.value);
  }
}

/** Where the checkpoint is: in its folder, or beside it if a save stopped halfway. */
async function locate(path: string): Promise<string> {
  const info = await statIfThere(path);
  if (info?.isDirectory()) return path;
  if (info !== undefined) throw new CheckpointNotFoundError(path, 'a file');
  const salvaged = await salvage(await siblings(path));
  if (salvaged !== undefined) return salvaged;
  if ((await statIfThere(path)) !== undefined) return path; // a save ended while we looked
  throw new CheckpointNotFoundError(path, 'nothing');
}

/** Differs between two folders that had the same path at different times. */
async function identity(folder: string): Promise<string | undefined> {
  const info = await statIfThere(folder);
  return info && `${info.ino}:${info.birthtimeNs}:${info.mtimeNs}`;
}
