import type { JsonObject, LazyStateDict } from '@minigpt/checkpoints';
import { openConfig, openPath } from '@minigpt/checkpoints/node';
import { checkShapes, dispose, parameters, withoutWeights } from '@minigpt/core';
import { layerTree, treeLines } from '@minigpt/inspect';
import { modelFromConfig } from '@minigpt/models';
import { grouped } from '@minigpt/report/node';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { type Console, createConsole } from '../console.ts';
import { MODEL_NAME } from '../load-model.ts';

const MIB = 2 ** 20;
const BYTES = { float32: 4, float16: 2, bfloat16: 2 } as const;
type Dtype = keyof typeof BYTES;

export const inspect = new Command('inspect')
  .description(
    'Look at a model without loading it: config, layers, and every parameter with its dtype and MiB as stored.',
  )
  .requiredOption('--model <name>', `${MODEL_NAME}; a config.json alone is enough`)
  .addOption(
    new Option('--dtype <dtype>', 'tell the MiB in this dtype, whatever it is stored in').choices(
      Object.keys(BYTES),
    ),
  )
  .option('--json', 'print one JSON object')
  .addHelpText(
    'after',
    `
Examples:
  minigpt inspect --model out/moby-dick
  minigpt inspect --model Mistral-7B-v0.1/config.json --dtype float16`,
  )
  .action(async ({ model: source, dtype, json = false }) => {
    const console = createConsole({ json });
    const { config, weights } = await opened(source);
    const model = withoutWeights(() => modelFromConfig(config));
    try {
      const storedIn = dtype ?? dtypeOf(config);
      const table = [...parameters(model)].map(([name, { shape, size, trainable }]) => {
        const stored = dtype === undefined ? weights?.tensors.get(name) : undefined;
        const bytes = stored?.storedBytes ?? BYTES[storedIn as Dtype] * size;
        const stands = stored === undefined ? storedIn : (SPELLINGS[stored.storedAs] ?? stored.storedAs);
        return { name, shape, dtype: stands, count: size, mib: bytes / MIB, trainable };
      });
      if (weights !== undefined) checkShapes(weights.tensors, parameters(model));
      const total = table.reduce((sum, { count }) => sum + count, 0);
      const mib = table.reduce((sum, row) => sum + row.mib, 0);
      const tree = layerTree(model);
      if (json) {
        return console.emit({
          model: source,
          config,
          tree,
          table,
          parameters: total,
          mib,
          memoryMib: (4 * total) / MIB,
        });
      }
      sayConfig(console, config);
      console.say();
      for (const line of treeLines(tree)) console.say(fitted(line));
      console.say();
      sayTable(console, table, total, mib);
      console.say(pc.dim(`Loaded, in float32: ${grouped(Math.ceil((4 * total) / MIB))} MiB.`));
    } finally {
      dispose(model);
      await weights?.close();
    }
  });

async function opened(
  source: string,
): Promise<{ readonly config: JsonObject; readonly weights?: LazyStateDict }> {
  const config = await openConfig(source);
  return config === undefined ? openPath(source, { remote: true }) : { config };
}

/** dtypes of safetensors and GGUF as the field spells them. */
const SPELLINGS: Readonly<Record<string, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** What a config without weights says that they are stored in. */
function dtypeOf({ dtype, torch_dtype }: JsonObject): Dtype {
  const said = dtype ?? torch_dtype;
  return typeof said === 'string' && Object.hasOwn(BYTES, said) ? (said as Dtype) : 'float32';
}

/** Settings with one value, the family first. */
function sayConfig(console: Console, config: JsonObject): void {
  const { model_type, ...others } = config;
  const settings = Object.entries({ model_type, ...others }).filter(([, value]) => value != null);
  const width = Math.max(...settings.map(([key]) => key.length));
  for (const [key, value] of settings) {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    console.say(fitted(`  ${pc.dim(key.padEnd(width))} ${shown}`, 9));
  }
}

interface Row {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly count: number;
  readonly mib: number;
  readonly trainable: boolean;
}

/** As many columns as the terminal has room for; a name that is too long loses its middle. */
function sayTable(console: Console, table: readonly Row[], total: number, mib: number): void {
  const cells = table.map(({ name, shape, dtype, count, mib, trainable }) => [
    name,
    `[${shape.join(', ')}]`,
    dtype,
    grouped(count),
    mib.toFixed(3),
    trainable ? 'yes' : 'no',
  ]);
  const head = ['name', 'shape', 'dtype', 'count', 'MiB', 'trainable'];
  const foot = ['total', '', '', grouped(total), grouped(Math.ceil(mib)), ''];
  const widths = head.map((_, i) => Math.max(...[head, foot, ...cells].map((row) => row[i].length)));
  const shown = [0, 1, 2, 3, 4, 5];
  const room = process.stdout.columns ?? Number.POSITIVE_INFINITY;
  const fixed = () => shown.slice(1).reduce((sum, i) => sum + widths[i] + 2, 0);
  for (const column of [5, 2, 1, 3]) {
    if (fixed() + Math.min(widths[0], 24) < room) break;
    shown.splice(shown.indexOf(column), 1);
  }
  widths[0] = Math.max(8, Math.min(widths[0], room - 1 - fixed()));
  const line = (row: readonly string[]) =>
    shown
      .map((i) =>
        i === 3 || i === 4 ? row[i].padStart(widths[i]) : middleOut(row[i], widths[i]).padEnd(widths[i]),
      )
      .join('  ')
      .trimEnd();
  console.say(pc.dim(line(head)));
  for (const row of cells) console.say(line(row));
  console.say(pc.bold(line(foot)));
}

function middleOut(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = width - 1;
  return `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(text.length - Math.floor(kept / 2))}`;
}

/** A line cut to the terminal; `invisible` is the length of what colours it. */
function fitted(line: string, invisible = 0): string {
  const room = (process.stdout.columns ?? Number.POSITIVE_INFINITY) + (pc.isColorSupported ? invisible : 0);
  return line.length <= room ? line : `${line.slice(0, room - 1)}…`;
}
