import { createReadStream } from 'node:fs';
import { TextFileEncodingError } from '../errors.ts';
import { documentsOf } from './corpus.ts';

/**
 * The texts of UTF-8 files, as a corpus for a trainer: read piece by piece, so that files may be larger than memory. A byte
 * order mark is left out.
 *
 * Throws TextFileEncodingError (from the loop) at bytes that are not UTF-8, and what `node:fs` throws.
 */
export async function* readTextFiles(paths: Iterable<string>): AsyncGenerator<string> {
  for (const path of paths) yield* documentsOf(decoded(path));
}

async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new TextFileEncodingError(path, { cause });
    }
  };
  for await (const bytes of createReadStream(path, { highWaterMark: CHUNK_BYTES })) yield decode(bytes);
  yield decode();
}

const CHUNK_BYTES = 1 << 18;
