import { join, resolve } from 'node:path';
import { type Checkpoint, readCheckpoint } from '../checkpoint.ts';
import { CheckpointError, CheckpointFileError, CheckpointNotFoundError } from '../errors.ts';
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
  for (;;) {
    const folder = await locate(await followLinks(name));
    const before = await identity(folder);
    const read = async (file: string) => {
      try {
        return await readIfThere(join(folder, file));
      } catch (cause) {
        throw new CheckpointFileError(name, file, `it cannot be read (${(cause as Error).message}).`, {
          cause,
        });
      }
    };
    let checkpoint: Checkpoint | undefined;
    let failure: unknown;
    try {
      checkpoint = await readCheckpoint(read, { name, optimizer });
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      failure = error;
    }
    // Replaced while it was read: the files may be of two checkpoints, so read the new one.
    if ((await identity(folder)) !== before) continue;
    if (checkpoint === undefined) throw failure;
    return checkpoint;
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
