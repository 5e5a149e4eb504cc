import type { ByteSource } from './byte-source.ts';

/** Named files: a folder on disk, files that the user picked, a repository on a hub. */
export interface SourceFolder {
  /** What errors call it. */
  readonly name: string;
  /** Opens a file in it, by a plain name without a path; undefined where there is none. */
  open(file: string): Promise<ByteSource | undefined>;
}

/** A small file, whole; undefined where there is none. */
export async function readWhole(folder: SourceFolder, file: string): Promise<Uint8Array | undefined> {
  const source = await folder.open(file);
  if (source === undefined) return undefined;
  try {
    return await source.readAt(0, source.size);
  } finally {
    await source.close();
  }
}
