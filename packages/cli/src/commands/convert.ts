import { convert as convertModel, loadLora, openPath } from '@minigpt/checkpoints/node';
import { grouped } from '@minigpt/report/node';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createConsole } from '../console.ts';
import { InterruptedError } from '../errors.ts';
import { interruptSignal } from '../interrupt.ts';
import { MODEL_NAME, progressTeller } from '../load-model.ts';

export const convert = new Command('convert')
  .description('Write a model in another format, as a new folder, whole or not at all.')
  .requiredOption('--from <name>', MODEL_NAME)
  .requiredOption('--to <dir>', 'folder that is not there yet, or empty')
  .addOption(
    new Option(
      '--format <format>',
      'safetensors: a folder that transformers loads; llama2c: model.bin and tokenizer.bin',
    )
      .choices(['safetensors', 'llama2c'])
      .default('safetensors'),
  )
  .option('--adapter <dir>', 'LoRA adapter in the layout of PEFT, merged into the weights')
  .addOption(
    new Option('--dtype <dtype>', 'of the weights in safetensors')
      .choices(['float32', 'float16', 'bfloat16'])
      .default('float32'),
  )
  .option('--max-shard-size <size>', 'larger safetensors are written as shards: 500MB, 5GB', bytes, 5e9)
  .option('--json', 'print one JSON object; all else goes to standard error')
  .addHelpText(
    'after',
    `
Examples:
  minigpt convert --from SmolLM2-135M-Instruct.Q4_1.gguf --to smollm2 --dtype bfloat16
  minigpt convert --from out/shakespeare --to shakespeare-hf
  minigpt convert --from TinyLlama-folder --to tinyllama-c --format llama2c`,
  )
  .action(async ({ from, to, format, adapter, dtype, maxShardSize, json = false }) => {
    const console = createConsole({ json });
    const signal = interruptSignal(() => console.say('\nStopping; nothing is written.'));
    const onProgress = progressTeller(console, 'writing');
    const merged = adapter === undefined ? undefined : await loadLora(adapter, { onProgress, signal });
    const pretrained = await openPath(from, { onProgress, signal });
    try {
      const { files, withoutTokenizer } = await convertModel(pretrained, to, {
        format,
        adapter: merged,
        dtype,
        maxShardBytes: maxShardSize,
        onProgress,
        signal,
      });
      console.say(`Wrote ${grouped(pretrained.weights.tensors.size)} tensors to ${to}: ${files.join(', ')}.`);
      if (withoutTokenizer !== undefined) console.say(`There is no tokenizer: ${withoutTokenizer}`);
      console.emit({ from, to, format, files, withoutTokenizer });
    } catch (error) {
      throw signal.aborted ? new InterruptedError('Stopped; nothing was written.') : error;
    } finally {
      await pretrained.weights.close();
    }
  });

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** `500MB`, `2.5 GB`, `1GiB`, as transformers takes them. */
function bytes(text: string): number {
  const [, number, unit] = /^([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
  const value = Number(number) * (UNITS[unit?.toUpperCase()] ?? Number.NaN);
  if (value > 0) return value;
  throw new InvalidArgumentError('It takes a size such as 500MB or 5GB.');
}
