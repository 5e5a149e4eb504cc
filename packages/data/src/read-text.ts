import { readFile } from 'node:fs/promises';
import { decodeText } from './decode-text.ts';
import { TextFileError } from './errors.ts';

/**
 * Reads a UTF-8 file as {@link decodeText} does.
 *
 * @throws TextFileError where it cannot be read; TextEncodingError where it is not UTF-8
 */
export async function readText(path: string): Promise<string> {
  return decodeText(await readBytes(path), path);
}

/** The bytes of a file. @throws TextFileError where it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new TextFileError(path, (error as NodeJS.ErrnoException).code ?? String(error), error);
  }
}
