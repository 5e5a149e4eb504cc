import type { Rng } from '@minigpt/core';
import { GatedMLP, GroupedQueryAttention, normal, RMSNorm, RotaryEmbedding } from '@minigpt/layers';
import { type Config, only } from './config.ts';
import { CausalDecoder, decoderSchema, PreNormBlock } from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, boolean, integer, number, optionalInteger, readSettings } from './settings.ts';

/** What Gemma 1 and 2 share. */
export const gemmaSchema = {
  ...decoderSchema,
  max_position_embeddings: integer(8192),
  num_key_value_heads: optionalInteger(16),
  head_dim: integer(256),
  rms_norm_eps: number(1e-6),
  attention_bias: boolean(false),
  tie_word_embeddings: boolean(true),
};

const schema = { ...gemmaSchema, hidden_act: activation('gelu_pytorch_tanh') };

/**
 * Gemma (Gemma Team 2024, "Gemma: open models based on Gemini research and technology"): Llama with GeGLU, embeddings scaled
 * by √C and norms around one.
 *
 * @throws ConfigError that names the setting
 */
export function gemma(config: Config, rng: Rng): CausalDecoder {
  only(config, 'use_bidirectional_attention', false);
  const settings = readSettings({ ...config, hidden_act: gemmaActivation(config) }, schema);
  const { hidden_size: hiddenSize, head_dim: headDim, attention_bias: bias } = settings;
  const rotary = new RotaryEmbedding(
    readRope(config, { headDim, maxLength: settings.max_position_embeddings }),
  );
  const weightInit = normal(settings.initializer_range);
  const norm = () => new RMSNorm({ size: hiddenSize, eps: settings.rms_norm_eps, unitOffset: true });
  return new CausalDecoder({
    modelType: 'gemma',
    architecture: 'GemmaForCausalLM',
    settings,
    rotary,
    norm: norm(),
    embeddingScale: Math.sqrt(hiddenSize),
    block: (_layer, rng) =>
      new PreNormBlock({
        norm,
        attention: new GroupedQueryAttention({
          hiddenSize,
          numHeads: settings.num_attention_heads,
          numKeyValueHeads: settings.num_key_value_heads,
          headDim,
          rotary,
          qkvBias: bias,
          outputBias: bias,
          dropout: settings.attention_dropout,
          weightInit,
          rng: rng.fold('self_attn'),
        }),
        mlp: new GatedMLP({
          hiddenSize,
          intermediateSize: settings.intermediate_size,
          activation: settings.hidden_act,
          weightInit,
          rng: rng.fold('mlp'),
        }),
      }),
    rng,
  });
}

/**
 * The first configs said `gelu` and meant its tanh form; `hidden_activation` was added to say so, and transformers 5 looks at
 * `hidden_act` alone.
 */
function gemmaActivation({ hidden_activation, hidden_act }: Config): unknown {
  const name = hidden_act ?? hidden_activation;
  return name === 'gelu' ? 'gelu_pytorch_tanh' : name;
}
