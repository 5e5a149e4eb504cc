import { join, resolve } from 'node:path';
import { openFile } from '../source/file-source.ts';
import type { SourceFolder } from '../source/folder.ts';
import { statIfThere } from './folder.ts';

/** The files of a folder on disk. */
export function folderSource(dir: string): SourceFolder {
  const name = resolve(dir);
  return {
    name,
    async open(file) {
      const path = join(name, file);
      return (await statIfThere(path)) === undefined ? undefined : openFile(path);
    },
  };
}
