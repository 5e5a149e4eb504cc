import type { JsonObject } from '../json.ts';
import { toJson } from '../json.ts';
import { weightFiles } from '../sharded/write-sharded.ts';
import { HUGGING_FACE_FILES } from './open.ts';
import type { Pretrained } from './pretrained.ts';

export interface HuggingFaceOptions {
  /** Weights above this are written as shards with an index. Default 5 GB. */
  readonly maxShardBytes?: number;
}

/**
 * A model as the files of a folder that Python's `transformers` loads, each in pieces that are written one after another. Weights
 * are written in float32, and the config says so. Where the model has no generation config, it is made of the config's ids.
 *
 * @throws CheckpointError for a number that JSON cannot hold
 */
export function huggingFaceFiles(
  { config, generationConfig, weights, tokenizer, tokenizerConfig, chatTemplate }: Pretrained,
  { maxShardBytes }: HuggingFaceOptions = {},
): Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
  const files = new Map<string, Iterable<Uint8Array> | AsyncIterable<Uint8Array>>();
  const addJson = (file: string, value: unknown) => files.set(file, [encode(`${toJson(value, 2)}\n`)]);
  addJson(HUGGING_FACE_FILES.config, inFloat32(config));
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
  for (const [file, chunks] of weightFiles(weights, maxShardBytes)) files.set(file, chunks);
  return files;
}

/** transformers 4 spells it `torch_dtype`, transformers 5 `dtype`. */
function inFloat32({ torch_dtype: _torchDtype, dtype, ...config }: JsonObject): JsonObject {
  return { ...config, [dtype === undefined ? 'torch_dtype' : 'dtype']: 'float32' };
}

function specialIds(config: JsonObject): JsonObject {
  const keys = ['bos_token_id', 'eos_token_id', 'pad_token_id'];
  return Object.fromEntries(keys.flatMap((key) => (config[key] == null ? [] : [[key, config[key]]])));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
