import { ConfigError, type LanguageModel, Rng } from '@minigpt/core';
import { Bigram } from './bigram.ts';
import type { Config } from './config.ts';
import { GPT } from './gpt.ts';
import { MLPLanguageModel } from './mlp.ts';

type Family = (config: Config, rng: Rng) => LanguageModel;

/** The families by the `model_type` of their `config.json`. */
const families: Readonly<Record<string, Family>> = {
  bigram: Bigram.fromConfig,
  gpt: GPT.fromConfig,
  gpt2: GPT.fromConfig,
  mlp: MLPLanguageModel.fromConfig,
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
  const type = config.model_type;
  if (typeof type === 'string' && Object.hasOwn(families, type)) return families[type](config, rng);
  const known = Object.keys(families).join(', ');
  throw new ConfigError(
    'model_type',
    `model_type must be one of ${known}, but ${JSON.stringify(type)} came.`,
  );
}
