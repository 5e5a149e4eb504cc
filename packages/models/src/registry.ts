import { ConfigError, dispose, type LanguageModel, parameters, Rng, withoutWeights } from '@minigpt/core';
import { Bigram } from './bigram.ts';
import { type Config, only } from './config.ts';
import { gemma } from './gemma.ts';
import { gemma2 } from './gemma2.ts';
import { GPT } from './gpt.ts';
import { gptNeoX } from './gpt-neox.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { mixtral } from './mixtral.ts';
import { MLPLanguageModel } from './mlp.ts';
import { olmo2 } from './olmo2.ts';
import { phi } from './phi.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { starcoder2 } from './starcoder2.ts';

type Family = (config: Config, rng: Rng) => LanguageModel;

/** The families by the `model_type` of their `config.json`. */
const families: Readonly<Record<string, Family>> = {
  bigram: Bigram.fromConfig,
  gpt: GPT.fromConfig,
  gpt2: GPT.fromConfig,
  mlp: MLPLanguageModel.fromConfig,
  gemma,
  gemma2,
  gpt_neox: gptNeoX,
  llama,
  mistral,
  mixtral,
  olmo2,
  phi,
  phi3,
  qwen2,
  qwen3,
  starcoder2,
};

/**
 * Builds the model that a `config.json` describes, with fresh weights.
 *
 * @throws ConfigError for an unknown `model_type`, and for a setting that is missing, wrong or not implemented
 */
export function modelFromConfig(
  config: Config,
  { rng = new Rng(0) }: { readonly rng?: Rng } = {},
): LanguageModel {
  only(config, 'quantization_config', undefined);
  checkNumberOfParts(config);
  const type = config.model_type;
  if (typeof type === 'string' && Object.hasOwn(families, type)) return families[type](config, rng);
  const known = Object.keys(families).join(', ');
  throw new ConfigError(
    'model_type',
    `model_type must be one of ${known}, but ${JSON.stringify(type)} came.`,
  );
}

/** Blocks, and experts in all of them: far more than any model has, and few enough to be built in a moment. */
const MAX_PARTS = 20_000;

/** A config from a stranger must not have a billion blocks built before anybody looks at its weights. @throws ConfigError */
function checkNumberOfParts({ num_hidden_layers, n_layer, num_local_experts }: Config): void {
  const key = num_hidden_layers === undefined ? 'n_layer' : 'num_hidden_layers';
  const layers = num_hidden_layers ?? n_layer;
  const experts = typeof num_local_experts === 'number' ? Math.max(1, num_local_experts) : 1;
  if (typeof layers !== 'number' || layers * experts <= MAX_PARTS) return;
  const found = experts === 1 ? `${layers}` : `${layers} with ${experts} experts each`;
  throw new ConfigError(key, `A model has at most ${MAX_PARTS} blocks or experts, but ${key} is ${found}.`);
}

/**
 * The name and shape of every parameter of the model that a `config.json` describes, in the order of the model, without
 * allocating any: a model that would not fit into memory can be looked at.
 *
 * @throws ConfigError as {@link modelFromConfig}
 */
export function parameterShapes(config: Config): Map<string, readonly number[]> {
  const model = withoutWeights(() => modelFromConfig(config));
  const shapes = new Map([...parameters(model)].map(([name, { shape }]) => [name, shape]));
  dispose(model);
  return shapes;
}
