import { configJson } from '@minigpt/models';
import type { JsonObject } from '../json.ts';
import { toJson } from '../json.ts';
import type { WeightDtype } from '../safetensors/narrow.ts';
import { type WeightFileOptions, weightFiles } from '../sharded/write-sharded.ts';
import { HUGGING_FACE_FILES } from './open.ts';
import type { Pretrained } from './pretrained.ts';

export type HuggingFaceOptions = WeightFileOptions;

/**
 * A model as the files of a folder that Python's `transformers` loads, each in pieces that are written one after another; the
 * config says the dtype that the weights are written in. Where the model has no generation config, it is made of the config's ids.
 *
 * @throws CheckpointError for a number that JSON cannot hold
 */
export function huggingFaceFiles(
  { config, generationConfig, weights, tokenizer, tokenizerConfig, chatTemplate }: Pretrained,
  options: HuggingFaceOptions = {},
): Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
  const files = new Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>();
  const addJson = (file: string, value: unknown) => files.set(file, [encode(`${toJson(value, 2)}\n`)]);
  const written = ofDtype(config, options.dtype);
  toJson(written); // for numbers that JSON cannot hold
  files.set(HUGGING_FACE_FILES.config, [encode(configJson(written))]);
  addJson(HUGGING_FACE_FILES.generationConfig, generationConfig ?? specialIds(config));
  if (tokenizer !== undefined) {
    addJson(HUGGING_FACE_FILES.tokenizer, tokenizer);
    addJson(HUGGING_FACE_FILES.tokenizerConfig, {
      tokenizer_class: 'PreTrainedTokenizerFast',
      clean_up_tokenization_spaces: false,
      ...tokenizerConfig,
      ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
    });
  }
  for (const [file, chunks] of weightFiles(weights, options)) files.set(file, chunks);
  return files;
}

/** transformers 4 spells it `torch_dtype`, transformers 5 `dtype`. */
function ofDtype(
  { torch_dtype: _torchDtype, dtype, ...config }: JsonObject,
  written: WeightDtype = 'float32',
): JsonObject {
  return { ...config, [dtype === undefined ? 'torch_dtype' : 'dtype']: written };
}

function specialIds(config: JsonObject): JsonObject {
  const keys = ['bos_token_id', 'eos_token_id', 'pad_token_id'];
  return Object.fromEntries(keys.flatMap((key) => (config[key] == null ? [] : [[key, config[key]]])));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
