import type { Rng } from '@minigpt/core';
import type { Config } from './config.ts';
import type { CausalDecoder } from './decoder.ts';
import { llamaLike } from './llama.ts';
import { qwenSchema, qwenWindow } from './qwen2.ts';
import { boolean, integer, readSettings } from './settings.ts';

const schema = { ...qwenSchema, head_dim: integer(128), attention_bias: boolean(false) };

/**
 * Qwen 3 (Qwen Team 2025, "Qwen3 technical report"): Llama with norms of each head's queries and keys.
 *
 * @throws ConfigError that names the setting
 */
export function qwen3(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, schema);
  return llamaLike({
    modelType: 'qwen3',
    architecture: 'Qwen3ForCausalLM',
    config,
    settings,
    qkNorm: true,
    qkvBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    window: qwenWindow(settings),
    rng,
  });
}
