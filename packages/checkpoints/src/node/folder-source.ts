import { realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { SourceError } from '../source/byte-source.ts';
import { openFile } from '../source/file-source.ts';
import type { SourceFolder } from '../source/folder.ts';
import { statIfThere } from './folder.ts';

/**
 * The files of a folder on disk. A link in it may not lead out of it: a folder from a stranger is not to read what lies
 * elsewhere. The snapshots of Hugging Face's cache link to the blobs of their repository.
 */
export function folderSource(dir: string): SourceFolder {
  const name = resolve(dir);
  return {
    name,
    async open(file) {
      const path = join(name, file);
      if ((await statIfThere(path)) === undefined) return undefined;
      await checkInside(name, path);
      return openFile(path);
    },
  };
}

async function checkInside(folder: string, path: string): Promise<void> {
  const real = await realpath(path);
  const root = await realpath(folder);
  if (real.startsWith(root + sep)) return;
  const repository = dirname(dirname(root)); // models--ORG--NAME of models--ORG--NAME/snapshots/COMMIT
  if (dirname(root) === join(repository, 'snapshots') && dirname(real) === join(repository, 'blobs')) return;
  throw new SourceError(
    path,
    'reachable',
    `it is a link that leads out of the folder, to ${real}; put the file itself there.`,
  );
}
