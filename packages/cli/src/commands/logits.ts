import { writeFile } from 'node:fs/promises';
import { selectBackend } from '@minigpt/backends';
import { writeSafetensors } from '@minigpt/checkpoints';
import { TokenRangeError, toHost } from '@minigpt/core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { addModelFlags, loadBareModel } from '../load-model.ts';
import { ids as parseIds } from '../parse.ts';
import { addBackendFlag } from '../settings.ts';

export const logits = addModelFlags(addBackendFlag(new Command('logits')))
  .description(
    'Write the logits of every position to a safetensors file, to compare with another implementation.',
  )
  .requiredOption('--ids <list>', 'the T token ids to run, such as 1,2,3', parseIds)
  .requiredOption('--out <file>', 'gets one float32 tensor, logits [1, T, V]')
  .option('--json', 'print one JSON object')
  .addHelpText(
    'after',
    '\nExample:\n  minigpt logits --model out/moby-dick --ids 1,2,3 --out logits.safetensors',
  )
  .action(async ({ ids, out, json = false, backend, ...flags }) => {
    const console = createConsole({ json });
    await selectBackend(backend);
    const { model } = await loadBareModel(flags, console);
    const unknown = ids.find((id: number) => id >= model.vocabSize);
    if (unknown !== undefined) throw new TokenRangeError(unknown, model.vocabSize);
    const values = await toHost(model.call(tensor2d(ids, [1, ids.length], 'int32')));
    await writeFile(out, writeSafetensors(new Map([['logits', values]])));
    console.say(`Wrote logits [${values.shape.join(', ')}] to ${out}.`);
    console.emit({ model: flags.model, ids, out, shape: values.shape });
  });
