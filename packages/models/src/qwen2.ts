import type { Rng } from '@minigpt/core';
import type { Config } from './config.ts';
import { type CausalDecoder, decoderSchema } from './decoder.ts';
import { llamaLike } from './llama.ts';
import {
  activation,
  boolean,
  integer,
  layerTypes,
  number,
  optionalInteger,
  readSettings,
  type SettingsOf,
} from './settings.ts';

/** What Qwen 2 and 3 share. */
export const qwenSchema = {
  ...decoderSchema,
  max_position_embeddings: integer(32768),
  num_key_value_heads: optionalInteger(32),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-6),
  use_sliding_window: boolean(false),
  sliding_window: optionalInteger(4096),
  max_window_layers: number(28),
  layer_types: layerTypes,
};

/** The window of a layer: none unless `use_sliding_window`, then of the layers that `layer_types` names or the upper ones. */
export function qwenWindow(settings: SettingsOf<typeof qwenSchema>): (layer: number) => number | undefined {
  const { use_sliding_window, sliding_window, max_window_layers, layer_types } = settings;
  return (layer) => {
    const slides = layer_types ? layer_types[layer] === 'sliding_attention' : layer >= max_window_layers;
    return use_sliding_window && slides ? sliding_window : undefined;
  };
}

/**
 * Qwen 2 and 2.5 (Qwen Team 2024, "Qwen2 technical report"): Llama with biases on queries, keys and values.
 *
 * @throws ConfigError that names the setting
 */
export function qwen2(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, qwenSchema);
  return llamaLike({
    modelType: 'qwen2',
    architecture: 'Qwen2ForCausalLM',
    config,
    settings,
    qkvBias: true,
    window: qwenWindow(settings),
    rng,
  });
}
