import { blobSource } from './blob-source.ts';
import type { SourceFolder } from './folder.ts';

/** Files that the user picked, by their names. */
export function filesFolder(files: Iterable<File>): SourceFolder {
  const byName = new Map(Array.from(files, (file) => [file.name, file]));
  return {
    name: 'the files given',
    async open(name) {
      const file = byName.get(name);
      return file && blobSource(file);
    },
  };
}
