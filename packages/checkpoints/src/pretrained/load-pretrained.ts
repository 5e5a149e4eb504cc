import { dispose, type LanguageModel } from '@minigpt/core';
import { ChatTemplate, createTokenizer, type Tokenizer } from '@minigpt/tokenizers';
import { TokenizerMismatchError } from '../errors.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import type { JsonObject } from '../json.ts';
import type { LoraAdapter } from '../lora/adapter.ts';
import { mergeLoraLazily } from '../lora/merge.ts';
import { type BuildModelOptions, buildModel } from './build-model.ts';
import { isOpened, openPretrained, type PretrainedSource } from './open-pretrained.ts';

/** A published model, ready to sample from, to train on and to look into. */
export interface PretrainedModel {
  /** On the current backend, all parameters trainable. The caller owns it: `dispose(model)`. */
  readonly model: LanguageModel;
  /** Undefined where the checkpoint has none, such as a llama2.c file alone. */
  readonly tokenizer: Tokenizer | undefined;
  /**
   * How a conversation is written for the model; undefined where it knows none. Compiled when it is first asked for.
   *
   * @throws ChatTemplateError then, where the template does not parse
   */
  readonly chatTemplate: ChatTemplate | undefined;
  /** The ids that end a text: `generate(model, ids, { endIds })`. */
  readonly endIds: readonly number[];
  /** `config.json` as it came; `model.toConfig()` is what the model made of it. */
  readonly config: JsonObject;
  /** `generation_config.json`: what its makers sample with. Empty where there is none. */
  readonly generationConfig: JsonObject;
}

export interface LoadPretrainedOptions extends BuildModelOptions {
  /** A LoRA adapter, merged into the weights as they come. */
  readonly adapter?: LoraAdapter;
  /** The tokenizer, where the checkpoint comes without one. Default: the checkpoint's. */
  readonly tokenizer?: Tokenizer;
}

/**
 * Loads a published model with its tokenizer and its chat template: a Hugging Face folder, safetensors, GGUF or llama2.c.
 *
 * @param source what is opened already, files that the user picked, or a URL: see `openPretrained`. What is opened here is closed.
 * @throws what `openPretrained` throws for a source that is not a model
 * @throws ConfigError, StateDictError, WeightDtypeError where config and weights do not fit; all names at once
 * @throws MemoryLimitError foreseen from the header; WeightValueError for NaN; LoraError for an adapter of another model
 * @throws TokenizerMismatchError where the tokenizer has ids that the model lacks; TokenizerError. Nothing stays loaded.
 */
export async function loadPretrained(
  source: PretrainedSource,
  options: LoadPretrainedOptions = {},
): Promise<PretrainedModel> {
  const pretrained = await openPretrained(source);
  try {
    return await modelOf(pretrained, options);
  } finally {
    if (!isOpened(source)) await pretrained.weights.close();
  }
}

async function modelOf(
  {
    name = 'in memory',
    config,
    generationConfig = {},
    weights,
    tokenizer: spec,
    tokenizerConfig = {},
    chatTemplate,
  }: Pretrained,
  { adapter, tokenizer = spec && createTokenizer(spec), ...options }: LoadPretrainedOptions,
): Promise<PretrainedModel> {
  const merged = adapter === undefined ? weights : mergeLoraLazily(weights, adapter);
  const model = await buildModel(config, merged, options);
  try {
    if (tokenizer !== undefined) checkVocabulary(name, tokenizer, model.vocabSize);
  } catch (error) {
    dispose(model);
    throw error;
  }
  let compiled: ChatTemplate | undefined;
  return {
    model,
    tokenizer,
    config,
    generationConfig,
    endIds: endIds(generationConfig) ?? endIds(config) ?? [],
    get chatTemplate() {
      if (chatTemplate === undefined) return undefined;
      compiled ??= ChatTemplate.fromTokenizerConfig({ ...tokenizerConfig, chat_template: chatTemplate });
      return compiled;
    },
  };
}

/** Tokens that were added without a row in the embedding are left to whoever uses them; a larger vocabulary is another model's. */
function checkVocabulary(name: string, tokenizer: Tokenizer, rows: number): void {
  if (tokenizer.vocabSize <= rows) return;
  const added = new Set(tokenizer.toJSON().added_tokens?.map(({ id }) => id));
  for (const id of tokenizer.vocabulary().values()) {
    if (id < rows || added.has(id)) continue;
    throw new TokenizerMismatchError(name, `the model knows ${rows} tokens`, `it has ${tokenizer.vocabSize}`);
  }
}

function endIds({ eos_token_id: ids }: JsonObject): readonly number[] | undefined {
  if (typeof ids === 'number') return [ids];
  return Array.isArray(ids) && ids.every((id) => typeof id === 'number') ? ids : undefined;
}
