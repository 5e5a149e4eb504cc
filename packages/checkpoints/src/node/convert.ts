import { parameterShapes } from '@minigpt/models';
import { TokenizerError, type TokenizerJson, writeLlama2cTokenizer } from '@minigpt/tokenizers';
import { huggingFaceFiles } from '../hugging-face/files.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { llama2cChunks } from '../llama2c/write.ts';
import type { LoraAdapter } from '../lora/adapter.ts';
import { mergeLoraLazily } from '../lora/merge.ts';
import { type ReadingOptions, watchReading } from '../pretrained/watch-reading.ts';
import type { WeightFileOptions } from '../sharded/write-sharded.ts';
import { checkTensors } from '../source/check-tensors.ts';
import type { Chunks } from './replace-file.ts';
import { saveFolder } from './save-folder.ts';

/** Once its signal is aborted, writing stops with the signal's reason and nothing is left. */
export interface ConvertOptions extends WeightFileOptions, ReadingOptions {
  /** `safetensors`: a folder that Python's `transformers` loads. `llama2c`: `model.bin` and `tokenizer.bin`, in float32. */
  readonly format: 'safetensors' | 'llama2c';
  /** A LoRA adapter, merged into the weights. */
  readonly adapter?: LoraAdapter;
}

/** What was written. */
export interface Converted {
  /** The names of the files. */
  readonly files: readonly string[];
  /** Why there is no tokenizer; undefined where there is one. */
  readonly withoutTokenizer?: string;
}

/**
 * Writes a model in another format as the new folder `dir`, whole or not at all. One tensor at a time is in memory.
 *
 * @throws ForeignFolderError where `dir` is there and not empty; CheckpointWriteError where the file system refuses
 * @throws ConfigError for a model that is not implemented; StateDictError where its weights do not fit its config
 * @throws WeightValueError for NaN; Llama2cError for what llama2.c has not; LoraError; SafetensorsError for what float16 cannot hold
 */
export async function convert(
  pretrained: Pretrained,
  dir: string,
  { format, adapter, onProgress, signal, ...options }: ConvertOptions,
): Promise<Converted> {
  const { config, weights: base, tokenizer } = pretrained;
  checkTensors(base.tensors, parameterShapes(config));
  const merged = adapter === undefined ? base : mergeLoraLazily(base, adapter);
  const weights = watchReading(merged, { onProgress, signal });
  if (format === 'safetensors') {
    const files = huggingFaceFiles({ ...pretrained, weights }, options);
    await saveFolder(dir, files);
    const missing = tokenizer === undefined && { withoutTokenizer: NONE };
    return { files: [...files.keys()], ...missing };
  }
  const files = new Map<string, Chunks>([['model.bin', llama2cChunks({ config, weights })]]);
  const written = llama2cTokenizer(tokenizer);
  if (typeof written !== 'string') files.set('tokenizer.bin', [written]);
  await saveFolder(dir, files);
  return { files: [...files.keys()], ...(typeof written === 'string' && { withoutTokenizer: written }) };
}

const NONE = 'the model comes without one.';

/** The file, or why there is none. */
function llama2cTokenizer(tokenizer: TokenizerJson | undefined): Uint8Array | string {
  if (tokenizer === undefined) return NONE;
  try {
    return writeLlama2cTokenizer(tokenizer);
  } catch (error) {
    if (error instanceof TokenizerError) return error.message;
    throw error;
  }
}
