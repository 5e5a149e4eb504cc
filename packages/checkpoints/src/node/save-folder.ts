import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ForeignFolderError } from '../errors.ts';
import { claimSibling, followLinks, isStale, releaseSibling, siblings, statIfThere } from './folder.ts';
import { type Chunks, writeChunks, writing } from './replace-file.ts';

/**
 * Writes the new folder `dir`, whole or not at all: beside it, then renamed.
 *
 * @throws ForeignFolderError where `dir` is there and not empty
 * @throws CheckpointWriteError where the file system refuses, and what making the chunks throws
 */
export async function saveFolder(dir: string, files: ReadonlyMap<string, Chunks>): Promise<void> {
  const target = await followLinks(dir);
  await writing(target, async () => {
    await checkEmpty(target);
    await mkdir(dirname(target), { recursive: true });
    await removeStale(target);
    const saving = claimSibling(target, 'saving');
    try {
      await mkdir(saving);
      for (const [file, chunks] of files) await writeChunks(join(saving, file), chunks);
      if ((await statIfThere(target)) !== undefined) await rmdir(target); // Windows renames to a free name only
      await rename(saving, target);
    } catch (error) {
      await rm(saving, { recursive: true, force: true });
      throw error;
    } finally {
      releaseSibling(saving);
    }
  });
}

async function checkEmpty(target: string): Promise<void> {
  const info = await statIfThere(target);
  if (info === undefined) return;
  if (!info.isDirectory() || (await readdir(target)).length > 0) throw new ForeignFolderError(target);
}

/** Removes what killed runs left half written. */
async function removeStale(target: string): Promise<void> {
  for (const sibling of await siblings(target)) {
    if (sibling.role === 'saving' && isStale(sibling)) await rm(sibling.path, { recursive: true });
  }
}
