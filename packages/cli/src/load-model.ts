import type { LoadProgress, PretrainedModel } from '@minigpt/checkpoints';
import { loadPretrained } from '@minigpt/checkpoints/node';
import type { Tokenizer } from '@minigpt/tokenizers';
import type { Command } from 'commander';
import type { Console } from './console.ts';
import { UsageError } from './errors.ts';

/** What `--model` may be, for a flag's help. */
export const MODEL_NAME =
  'folder of a model or a run; GGUF, llama2.c or safetensors file; or org/name[@revision] on the Hugging Face hub';

export interface ModelFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly tokenizer?: string;
}

/** The flags of a command that runs a model. */
export function addModelFlags(command: Command): Command {
  return command
    .requiredOption('--model <name>', MODEL_NAME)
    .option('--adapter <dir>', 'LoRA adapter in the layout of PEFT, merged into the weights')
    .option('--tokenizer <file>', 'where the model comes without one');
}

/** The model that the flags mean; what takes long is told. @throws what `loadPretrained` throws */
export async function loadBareModel(
  { model, adapter, tokenizer }: ModelFlags,
  console: Console,
): Promise<PretrainedModel> {
  try {
    return await loadPretrained(model, { adapter, tokenizer, onProgress: progressTeller(console) });
  } finally {
    console.progress.done();
  }
}

/** As {@link loadBareModel}, with its tokenizer. @throws UsageError where there is none */
export async function loadModel(
  flags: ModelFlags,
  console: Console,
): Promise<PretrainedModel & { readonly tokenizer: Tokenizer }> {
  const loaded = await loadBareModel(flags, console);
  if (hasTokenizer(loaded)) return loaded;
  throw new UsageError(
    `A model needs its tokenizer, but ${flags.model} comes without one; give its file as --tokenizer.`,
  );
}

function hasTokenizer(
  loaded: PretrainedModel,
): loaded is PretrainedModel & { readonly tokenizer: Tokenizer } {
  return loaded.tokenizer !== undefined;
}

/** What is done by then is not worth a line. */
const SILENT_MS = 1000;
const BETWEEN_LINES_MS = 100;

/** Shows a download or a load that takes more than a second. */
export function progressTeller({ progress }: Console, doing = 'loading'): (step: LoadProgress) => void {
  let last = performance.now() + SILENT_MS - BETWEEN_LINES_MS;
  return ({ stage, name, loadedBytes, totalBytes }) => {
    const now = performance.now();
    if (now - last < BETWEEN_LINES_MS) return;
    last = now;
    const share = `${Math.floor((100 * loadedBytes) / Math.max(totalBytes, 1))} %`;
    const amount = `${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB`;
    progress.update(stage === 'download' ? `${share} ${name}: ${amount}` : `${share} ${doing}: ${amount}`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
