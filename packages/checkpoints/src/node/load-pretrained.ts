import { freemem } from 'node:os';
import type { Tokenizer } from '@minigpt/tokenizers';
import { readTokenizerFile } from '@minigpt/tokenizers/node';
import type { LoraAdapter } from '../lora/adapter.ts';
import {
  type LoadPretrainedOptions as AnywhereOptions,
  loadPretrained as loadAnywhere,
  type PretrainedModel,
} from '../pretrained/load-pretrained.ts';
import type { PretrainedSource } from '../pretrained/open-pretrained.ts';
import { loadLora } from './load-lora.ts';
import type { HubOptions } from './open-hub.ts';
import { openPath } from './open-path.ts';

export interface LoadPretrainedOptions extends Omit<AnywhereOptions, 'adapter' | 'tokenizer'> {
  /** A LoRA adapter or the folder of one, merged into the weights as they come. */
  readonly adapter?: LoraAdapter | string;
  /** The tokenizer or its file, where the checkpoint comes without one. Default: the checkpoint's. */
  readonly tokenizer?: Tokenizer | string;
  /** How `org/name` is had from the hub. Default: what the environment says, as for Hugging Face's own programs. */
  readonly hub?: HubOptions;
}

/**
 * Loads a published model, or one that was trained here, with its tokenizer and its chat template, on the current backend.
 *
 * @param source a path: a folder in Hugging Face's layout, a checkpoint of ours or the folder of a run, a GGUF file, a llama2.c
 *   file (its tokenizer beside it, as `tokenizer.bin` or `tok512.bin`), safetensors with their `config.json` beside; the name of a model
 *   on the hub, `org/name`, `org/name@revision` or `org/name/file.gguf`, which is downloaded into the cache of Hugging Face's
 *   programs; or what the `loadPretrained` of browsers takes
 * @throws what that `loadPretrained` throws; CheckpointNotFoundError where there is nothing at the path; HubError. `maxBytes` is the memory
 *   that is available, unless it is given.
 */
export async function loadPretrained(
  source: string | PretrainedSource,
  { adapter, tokenizer, hub, maxBytes = availableMemory(), ...options }: LoadPretrainedOptions = {},
): Promise<PretrainedModel> {
  const opening = { hub, maxBytes, onProgress: options.onProgress, signal: options.signal };
  const resolved = {
    ...options,
    maxBytes,
    adapter: typeof adapter === 'string' ? await loadLora(adapter, opening) : adapter,
    tokenizer: typeof tokenizer === 'string' ? await readTokenizerFile(tokenizer) : tokenizer,
  };
  if (typeof source !== 'string' || /^https?:/.test(source)) {
    return loadAnywhere(source as PretrainedSource, resolved);
  }
  const pretrained = await openPath(source, opening);
  try {
    return await loadAnywhere(pretrained, resolved);
  } finally {
    await pretrained.weights.close();
  }
}

/** Bytes that this process may still take, as far as the system says. */
function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}
