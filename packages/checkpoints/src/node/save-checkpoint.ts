import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Checkpoint, checkpointFiles } from '../checkpoint.ts';
import { CheckpointWriteError, ForeignFolderError } from '../errors.ts';
import {
  claimSibling,
  followLinks,
  isCheckpoint,
  isStale,
  releaseSibling,
  removeReplaced,
  salvage,
  siblings,
  statIfThere,
} from './folder.ts';

/**
 * Saves a checkpoint as the folder `dir`, whole or not at all: it is written beside, flushed to the disk and renamed, so that
 * at any moment, and after a kill, a full disk or a power cut, `loadCheckpoint(dir)` finds this one or the one before.
 * Files in the folder that are not the checkpoint's are kept.
 *
 * @throws ForeignFolderError where `dir` is neither empty nor a checkpoint of ours
 * @throws CheckpointWriteError where the file system refuses; what was there before is kept
 * @throws SafetensorsError, CheckpointError for a tensor or number that cannot be written
 */
export async function saveCheckpoint(dir: string, checkpoint: Checkpoint): Promise<void> {
  const files = await checkpointFiles(checkpoint);
  try {
    const target = await followLinks(dir);
    await mkdir(dirname(target), { recursive: true });
    await settle(target);
    await checkReplaceable(target);
    await replace(target, files);
  } catch (error) {
    throw isSystemError(error) ? new CheckpointWriteError(resolve(dir), error) : error;
  }
}

/** Finishes or removes what killed runs left beside `target`. */
async function settle(target: string): Promise<void> {
  const stale = (await siblings(target)).filter(isStale);
  if ((await statIfThere(target)) === undefined) {
    const salvaged = await salvage(stale);
    if (salvaged !== undefined) await rename(salvaged, target);
  }
  const succeeded = await isCheckpoint(target);
  for (const { path, role } of stale) {
    if ((await statIfThere(path)) === undefined) continue;
    if (role === 'saving') await rm(path, { recursive: true });
    else if (succeeded) await removeReplaced(path, target);
  }
}

async function checkReplaceable(target: string): Promise<void> {
  const info = await statIfThere(target);
  if (info === undefined) return;
  const replaceable =
    info.isDirectory() && ((await readdir(target)).length === 0 || (await isCheckpoint(target)));
  if (!replaceable) throw new ForeignFolderError(target);
}

async function replace(target: string, files: ReadonlyMap<string, readonly Uint8Array[]>): Promise<void> {
  const saving = claimSibling(target, 'saving');
  const previous = claimSibling(target, 'previous');
  try {
    await mkdir(saving);
    for (const [name, pieces] of files) await writeThrough(join(saving, name), pieces);
    await flushFolder(saving);
    await swap(target, saving, previous);
    await flushFolder(dirname(target));
    if ((await statIfThere(previous)) !== undefined) await removeReplaced(previous, target);
  } catch (error) {
    await rm(saving, { recursive: true, force: true }).catch(() => undefined); // else the next save removes it
    throw error;
  } finally {
    releaseSibling(saving);
    releaseSibling(previous);
  }
}

async function swap(target: string, saving: string, previous: string): Promise<void> {
  if ((await statIfThere(target)) === undefined) return rename(saving, target);
  await rename(target, previous);
  try {
    await rename(saving, target);
  } catch (error) {
    await rename(previous, target);
    throw error;
  }
}

/** Writes a new file and waits until it is on the disk. */
async function writeThrough(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await writeFile(handle, pieces);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Waits until the names in a folder are on the disk. Windows has no such call, and renames are journaled there. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
