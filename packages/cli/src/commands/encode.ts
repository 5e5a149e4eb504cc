import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { readInput } from '../read-input.ts';
import { openTokenizer } from '../tokenizer.ts';

export const encode = new Command('encode')
  .description('Turn text into token ids.')
  .requiredOption('--tokenizer <file>', 'tokenizer file, or the folder of a run')
  .option('--data <file>', 'UTF-8 text; without it, standard input')
  .option('--json', 'print {"ids": [...]}')
  .addHelpText('after', '\nExample:\n  echo -n "Call me Ishmael." | minigpt encode --tokenizer out/moby-dick')
  .action(async ({ tokenizer: name, data, json = false }) => {
    const tokenizer = await openTokenizer(name);
    const ids = tokenizer.encode(await readInput(data));
    if (json) createConsole({ json }).emit({ ids });
    else process.stdout.write(`${ids.join(' ')}\n`);
  });
