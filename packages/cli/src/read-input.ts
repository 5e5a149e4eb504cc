import { buffer } from 'node:stream/consumers';
import { decodeText } from '@minigpt/data';
import { readText } from '@minigpt/data/node';

/** The text of a file, or of standard input. @throws TextFileError, TextEncodingError */
export async function readInput(path?: string): Promise<string> {
  if (path !== undefined) return readText(path);
  return decodeText(await buffer(process.stdin), 'standard input');
}
