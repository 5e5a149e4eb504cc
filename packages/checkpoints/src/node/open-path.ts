import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readTokenizerFile } from '@minigpt/tokenizers/node';
import { openHuggingFace } from '../hugging-face/open.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { modelFileFormat, openModelFile } from '../pretrained/open-model-file.ts';
import { openFile } from '../source/file-source.ts';
import { statIfThere } from './folder.ts';
import { folderSource } from './folder-source.ts';
import { hubNameAt } from './hub-name-at.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { type OpenHubOptions, openHub } from './open-hub.ts';

export type OpenPathOptions = OpenHubOptions;

/**
 * Opens the model at a path without reading its weights: a folder in Hugging Face's layout, a checkpoint of ours or the folder
 * of the run that holds one; a file in GGUF or llama2.c's format, or safetensors with their `config.json` beside.
 *
 * Where there is nothing, `org/name`, `org/name@revision` and `org/name/file.gguf` are models on the hub, unless there is a
 * folder `org`.
 *
 * @returns its `weights` are closed by the caller
 * @throws CheckpointNotFoundError where there is nothing, HubError, and what `openPretrained` throws
 */
export async function openPath(path: string, options?: OpenPathOptions): Promise<Pretrained> {
  const info = await statIfThere(path);
  if (info?.isFile()) return openModelAt(resolve(path));
  if (info?.isDirectory()) {
    const run = join(path, RUN_CHECKPOINT);
    const isRun = !(await isThere(join(path, 'config.json'))) && (await statIfThere(run))?.isDirectory();
    const only = isRun ? undefined : await onlyGguf(path);
    if (only !== undefined) return openModelAt(only);
    return openCheckpoint(isRun ? run : path);
  }
  const name = await hubNameAt(path);
  if (name !== undefined) return openHub(name, options);
  return openCheckpoint(path); // a save may have been killed between two renames
}

/** Where `minigpt train` keeps the checkpoint in the folder of a run. */
const RUN_CHECKPOINT = 'checkpoint';

async function isThere(path: string): Promise<boolean> {
  return (await statIfThere(path)) !== undefined;
}

/** The one GGUF file of a folder that has no config. */
async function onlyGguf(folder: string): Promise<string | undefined> {
  if (await isThere(join(folder, 'config.json'))) return undefined;
  const files = (await readdir(folder)).filter((file) => file.endsWith('.gguf'));
  return files.length === 1 ? join(folder, files[0]) : undefined;
}

async function openModelAt(path: string): Promise<Pretrained> {
  const source = await openFile(path);
  const format = await modelFileFormat(source);
  if (format === 'safetensors') {
    await source.close();
    return openHuggingFace(folderSource(dirname(path)), { weightsFile: basename(path) });
  }
  const pretrained = await openModelFile(source);
  return format === 'llama2c' ? withTokenizerBeside(path, pretrained) : pretrained;
}

/** llama2.c keeps a tokenizer in a file of its own, which it calls after the vocabulary where it is not Llama 2's. */
async function withTokenizerBeside(path: string, pretrained: Pretrained): Promise<Pretrained> {
  const { vocab_size: size } = pretrained.config;
  for (const file of [`tok${size}.bin`, 'tokenizer.bin', 'tokenizer.model', 'tokenizer.json']) {
    if (!(await isThere(join(dirname(path), file)))) continue;
    const tokenizer = await readTokenizerFile(join(dirname(path), file));
    if (tokenizer.vocabSize === size) return { ...pretrained, tokenizer: tokenizer.toJSON() };
  }
  return pretrained;
}
