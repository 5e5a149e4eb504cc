import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  characterTokenizer,
  ENCODING_NAMES,
  type EncodingName,
  type Tokenizer,
  wordTokenizer,
} from '@minigpt/tokenizers';
import { loadEncoding, readTokenizerFile } from '@minigpt/tokenizers/node';
import { UsageError } from './errors.ts';
import { checkpointOf } from './run-folder.ts';

/** What `--tokenizer` may be, for a flag's help. */
export const TOKENIZER_NAME = `file, folder of a run, or ${ENCODING_NAMES.join(', ')}`;

/**
 * The tokenizer that `--tokenizer` means: `char` or `word`, made from the text; the name of a published encoding; a file of
 * any format, recognised by content; or a folder with one.
 *
 * @param text what a vocabulary is made from; without it, `char` and `word` mean nothing
 * @throws UsageError, TokenizerError
 */
export async function openTokenizer(name: string, text?: string): Promise<Tokenizer> {
  if (name === 'char' || name === 'word') {
    if (text === undefined) {
      throw new UsageError(
        `A ${name} tokenizer is made from a text; name the file of a tokenizer, or the folder of a run that has one.`,
      );
    }
    return name === 'char' ? characterTokenizer.train(text) : wordTokenizer.train(text);
  }
  if ((ENCODING_NAMES as readonly string[]).includes(name)) return loadEncoding(name as EncodingName);
  const file =
    existsSync(name) && statSync(name).isDirectory() ? join(checkpointOf(name), 'tokenizer.json') : name;
  if (!existsSync(file)) {
    throw new UsageError(`--tokenizer takes a ${TOKENIZER_NAME}; there is no file ${file}.`);
  }
  return readTokenizerFile(file);
}
