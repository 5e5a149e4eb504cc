import type { TokenizerJson } from '@minigpt/tokenizers';
import type { JsonObject } from '../json.ts';
import type { LazyStateDict } from '../source/lazy-state-dict.ts';

/** A published model before its weights are read: what a Hugging Face folder holds, whatever format it came in. */
export interface Pretrained {
  /** What errors call it: a folder, file or URL. */
  readonly name?: string;
  /** `config.json`: the family (`model_type`) and its sizes. */
  readonly config: JsonObject;
  /** `generation_config.json`: the ids that end a text, and settings for sampling. */
  readonly generationConfig?: JsonObject;
  /** Under the names that the model gives its parameters, which are those of Hugging Face. */
  readonly weights: LazyStateDict;
  /** `tokenizer.json` */
  readonly tokenizer?: TokenizerJson;
  /** `tokenizer_config.json`: the texts of `bos_token`, `eos_token`, … */
  readonly tokenizerConfig?: JsonObject;
  /** A Jinja template that writes a conversation as the model was trained to see it. */
  readonly chatTemplate?: string;
}
