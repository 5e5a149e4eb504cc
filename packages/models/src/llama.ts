import type { Rng } from '@minigpt/core';
import {
  type ActivationName,
  GatedMLP,
  GroupedQueryAttention,
  normal,
  RMSNorm,
  RotaryEmbedding,
} from '@minigpt/layers';
import type { Config } from './config.ts';
import { CausalDecoder, decoderSchema, PreNormBlock } from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, boolean, number, optionalInteger, readSettings } from './settings.ts';

const schema = {
  ...decoderSchema,
  num_key_value_heads: optionalInteger(),
  head_dim: optionalInteger(),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-6),
  attention_bias: boolean(false),
  mlp_bias: boolean(false),
};

/**
 * Llama 1 to 3 (Touvron et al. 2023, Llama Team 2024), SmolLM2, TinyLlama and what else is saved as `llama`.
 *
 * @throws ConfigError that names the setting
 */
export function llama(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, schema);
  return llamaLike({
    modelType: 'llama',
    architecture: 'LlamaForCausalLM',
    config,
    settings,
    qkvBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    mlpBias: settings.mlp_bias,
    rng,
  });
}

interface LlamaLikeSettings {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number | undefined;
  readonly head_dim?: number;
  readonly max_position_embeddings: number;
  readonly initializer_range: number;
  readonly attention_dropout: number;
  readonly tie_word_embeddings: boolean;
  readonly hidden_act: ActivationName;
  readonly rms_norm_eps: number;
}

export interface LlamaLikeOptions {
  readonly modelType: string;
  readonly architecture: string;
  readonly config: Config;
  readonly settings: LlamaLikeSettings;
  readonly qkvBias?: boolean;
  readonly outputBias?: boolean;
  readonly mlpBias?: boolean;
  /** RMS norms of each head's queries and keys. */
  readonly qkNorm?: boolean;
  /** How many keys a query of that layer sees, if not all. */
  readonly window?: (layer: number) => number | undefined;
  readonly rng: Rng;
}

/** Pre-norm blocks of grouped-query attention and a gated MLP: Llama, and the families that differ from it by a setting. */
export function llamaLike({
  modelType,
  architecture,
  config,
  settings,
  qkvBias,
  outputBias,
  mlpBias,
  qkNorm = false,
  window = () => undefined,
  rng,
}: LlamaLikeOptions): CausalDecoder {
  const { hidden_size: hiddenSize, num_attention_heads: numHeads, rms_norm_eps: eps } = settings;
  const headDim = settings.head_dim ?? hiddenSize / numHeads;
  const rotary = new RotaryEmbedding(
    readRope(config, { headDim, maxLength: settings.max_position_embeddings }),
  );
  const weightInit = normal(settings.initializer_range);
  const norm = () => new RMSNorm({ size: hiddenSize, eps });
  return new CausalDecoder({
    modelType,
    architecture,
    settings,
    rotary,
    norm: norm(),
    block: (layer, rng) =>
      new PreNormBlock({
        norm,
        attention: new GroupedQueryAttention({
          hiddenSize,
          numHeads,
          numKeyValueHeads: settings.num_key_value_heads,
          headDim,
          rotary,
          qkvBias,
          outputBias,
          qkNorm: qkNorm ? { over: 'head', eps } : undefined,
          window: window(layer),
          dropout: settings.attention_dropout,
          weightInit,
          rng: rng.fold('self_attn'),
        }),
        mlp: new GatedMLP({
          hiddenSize,
          intermediateSize: settings.intermediate_size,
          activation: settings.hidden_act,
          bias: mlpBias,
          weightInit,
          rng: rng.fold('mlp'),
        }),
      }),
    rng,
  });
}
