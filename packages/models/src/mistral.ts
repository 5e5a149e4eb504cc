import type { Rng } from '@minigpt/core';
import { type Config, only } from './config.ts';
import { type CausalDecoder, decoderSchema } from './decoder.ts';
import { llamaLike } from './llama.ts';
import { activation, integer, number, optionalInteger, readSettings } from './settings.ts';

const schema = {
  ...decoderSchema,
  max_position_embeddings: integer(131072),
  num_key_value_heads: optionalInteger(8),
  head_dim: optionalInteger(),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-6),
  sliding_window: optionalInteger(4096),
};

/**
 * Mistral (Jiang et al. 2023, "Mistral 7B"): Llama with a sliding window.
 *
 * @throws ConfigError that names the setting
 */
export function mistral(config: Config, rng: Rng): CausalDecoder {
  only(config, 'layer_types', undefined);
  const settings = readSettings(config, schema);
  return llamaLike({
    modelType: 'mistral',
    architecture: 'MistralForCausalLM',
    config,
    settings,
    window: () => settings.sliding_window,
    rng,
  });
}
