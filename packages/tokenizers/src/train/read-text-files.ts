import { createReadStream } from 'node:fs';
import { documentsOf } from './corpus.ts';

/**
 * The texts of UTF-8 files, as a corpus for a trainer: read piece by piece, so that files may be larger than memory.
 * Bytes that are not UTF-8 are read as U+FFFD.
 */
export async function* readTextFiles(paths: Iterable<string>): AsyncGenerator<string> {
  for (const path of paths) {
    yield* documentsOf(createReadStream(path, { encoding: 'utf8', highWaterMark: CHUNK_BYTES }));
  }
}

const CHUNK_BYTES = 1 << 18;
