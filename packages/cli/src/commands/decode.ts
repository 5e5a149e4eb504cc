import { Command, InvalidArgumentError } from 'commander';
import { createConsole } from '../console.ts';
import { UsageError } from '../errors.ts';
import { ids as parseIds } from '../parse.ts';
import { readInput } from '../read-input.ts';
import { openTokenizer, TOKENIZER_NAME } from '../tokenizer.ts';

export const decode = new Command('decode')
  .description('Turn token ids back into text.')
  .requiredOption('--tokenizer <file>', TOKENIZER_NAME)
  .option('--ids <list>', 'such as 1,2,3; without it, ids on standard input', parseIds)
  .option('--json', 'print {"text": "..."}')
  .addHelpText('after', '\nExample:\n  minigpt decode --tokenizer out/moby-dick --ids 30,55,66')
  .action(async ({ tokenizer: name, ids, json = false }) => {
    const tokenizer = await openTokenizer(name);
    const text = tokenizer.decode(ids ?? (await idsFromInput()));
    if (json) createConsole({ json }).emit({ text });
    else process.stdout.write(`${text}\n`);
  });

async function idsFromInput(): Promise<number[]> {
  const text = await readInput();
  try {
    return parseIds(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
    throw new UsageError(`Standard input must hold token ids such as 1 2 3 or 1,2,3, but it is ${shown}.`);
  }
}
