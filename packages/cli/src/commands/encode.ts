import { DisallowedSpecialTokenError, type Tokenizer } from '@minigpt/tokenizers';
import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { UsageError } from '../errors.ts';
import { readInput } from '../read-input.ts';
import { openTokenizer, TOKENIZER_NAME } from '../tokenizer.ts';

export const encode = new Command('encode')
  .description('Turn text into token ids.')
  .requiredOption('--tokenizer <file>', TOKENIZER_NAME)
  .option('--data <file>', 'UTF-8 text; without it, standard input')
  .option('--allow-special', 'encode special tokens that stand in the text as themselves')
  .option('--json', 'print {"ids": [...]}')
  .addHelpText(
    'after',
    '\nExamples:\n  echo -n "Call me Ishmael." | minigpt encode --tokenizer out/moby-dick\n  minigpt encode --tokenizer cl100k_base --data book.txt --json',
  )
  .action(async ({ tokenizer: name, data, allowSpecial = false, json = false }) => {
    const tokenizer = await openTokenizer(name);
    const ids = encodeOrAdvise(tokenizer, await readInput(data), allowSpecial);
    if (json) createConsole({ json }).emit({ ids });
    else process.stdout.write(`${ids.join(' ')}\n`);
  });

/** The library's advice is for programs; here it is a flag. */
function encodeOrAdvise(tokenizer: Tokenizer, text: string, allowSpecial: boolean): number[] {
  try {
    return tokenizer.encode(text, { allowedSpecial: allowSpecial ? 'all' : [] });
  } catch (error) {
    if (!(error instanceof DisallowedSpecialTokenError)) throw error;
    throw new UsageError(
      `The text contains the special token ${error.token}; add --allow-special to encode it as itself.`,
    );
  }
}
