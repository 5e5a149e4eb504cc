import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { characterTokenizer, loadTokenizer, type Tokenizer, wordTokenizer } from '@minigpt/tokenizers';
import { UsageError } from './errors.ts';
import { checkpointOf } from './run-folder.ts';

/**
 * The tokenizer that `--tokenizer` means: `char` or `word`, made from the text, or a file, or a folder with one.
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
  const file =
    existsSync(name) && statSync(name).isDirectory() ? join(checkpointOf(name), 'tokenizer.json') : name;
  if (!existsSync(file)) {
    throw new UsageError(`--tokenizer takes char, word or a file, but there is no file ${file}.`);
  }
  return loadTokenizer(await readFile(file));
}
