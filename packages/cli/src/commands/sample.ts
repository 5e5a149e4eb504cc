import { selectBackend } from '@minigpt/backends';
import { Command } from 'commander';
import { compileOption } from '../compile.ts';
import { createConsole } from '../console.ts';
import { interruptSignal } from '../interrupt.ts';
import { addModelFlags, loadModel } from '../load-model.ts';
import { positiveInteger } from '../parse.ts';
import { streamSample } from '../sample.ts';
import { addSamplingFlags } from '../sampling-flags.ts';
import { addBackendFlag } from '../settings.ts';

export const sample = addSamplingFlags(
  addModelFlags(addBackendFlag(new Command('sample')))
    .description('Let a trained model write.')
    .option('--prompt <text>', 'how the text begins')
    .option('--max-new-tokens <n>', 'how many tokens to draw', positiveInteger, 300),
  { temperature: 1 },
)
  .option('--json', 'print one JSON object; the text itself goes to standard error')
  .addHelpText(
    'after',
    `
Examples:
  minigpt sample --model out/moby-dick --prompt "Call me" --temperature 0.8 --top-k 40
  minigpt sample --model out/moby-dick --prompt "Call me" --max-new-tokens 20 --temperature 0 --json`,
  )
  .action(async ({ model: source, adapter, tokenizer: file, json = false, backend, compile, ...options }) => {
    const console = createConsole({ json });
    await selectBackend(backend);
    const { model, tokenizer, endIds } = await loadModel(
      { model: source, adapter, tokenizer: file },
      console,
    );
    const signal = interruptSignal(() => {});
    const drawn = await streamSample({
      console,
      model,
      tokenizer,
      endIds,
      signal,
      compile: await compileOption(compile),
      ...options,
    });
    console.emit({ model: source, ...drawn });
  });
