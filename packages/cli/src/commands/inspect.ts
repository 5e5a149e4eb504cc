import { selectBackend } from '@minigpt/backends';
import { parameters } from '@minigpt/core';
import { grouped } from '@minigpt/report/node';
import { Command } from 'commander';
import pc from 'picocolors';
import { createConsole } from '../console.ts';
import { loadModel, MODEL_NAME } from '../load-model.ts';

const MIB = 2 ** 20;

export const inspect = new Command('inspect')
  .description('List the parameters of a model: name, shape, dtype, count, MiB, trainable.')
  .requiredOption('--model <name>', MODEL_NAME)
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nExample:\n  minigpt inspect --model out/moby-dick')
  .action(async ({ model: folder, json = false }) => {
    const console = createConsole({ json });
    await selectBackend('cpu');
    const { model } = await loadModel(folder);
    const table = [...parameters(model)].map(([name, { shape, dtype, size, trainable }]) => ({
      name,
      shape,
      dtype,
      count: size,
      mib: (4 * size) / MIB,
      trainable,
    }));
    const total = table.reduce((sum, { count }) => sum + count, 0);
    const summary = { parameters: total, mib: (4 * total) / MIB };
    if (json) return console.emit({ model: folder, config: model.toConfig(), table, ...summary });

    const width = Math.max(...table.map(({ name }) => name.length));
    const row = (name: string, shape: string, dtype: string, count: string, mib: string, trainable: string) =>
      `${name.padEnd(width)}  ${shape.padEnd(14)}  ${dtype.padEnd(8)}  ${count.padStart(13)}  ${mib.padStart(9)}  ${trainable}`;
    console.say(pc.dim(row('name', 'shape', 'dtype', 'count', 'MiB', 'trainable')));
    for (const { name, shape, dtype, count, mib, trainable } of table) {
      console.say(
        row(name, `[${shape.join(', ')}]`, dtype, grouped(count), mib.toFixed(3), trainable ? 'yes' : 'no'),
      );
    }
    console.say(pc.bold(row('total', '', '', grouped(total), summary.mib.toFixed(3), '')));
  });
