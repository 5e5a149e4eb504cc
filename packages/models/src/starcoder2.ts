import { type Context, Module, type Rng } from '@minigpt/core';
import {
  type ActivationName,
  activations,
  GroupedQueryAttention,
  LayerNorm,
  Linear,
  normal,
  RotaryEmbedding,
  zeros,
} from '@minigpt/layers';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from './config.ts';
import { CausalDecoder, decoderSchema, PreNormBlock } from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, boolean, integer, number, optionalInteger, readSettings } from './settings.ts';

const schema = {
  ...decoderSchema,
  max_position_embeddings: integer(4096),
  num_key_value_heads: optionalInteger(2),
  head_dim: optionalInteger(),
  hidden_act: activation('gelu_pytorch_tanh'),
  norm_epsilon: number(1e-5),
  initializer_range: number(0.018042),
  sliding_window: optionalInteger(),
  residual_dropout: number(0),
  embedding_dropout: number(0),
  use_bias: boolean(true),
  tie_word_embeddings: boolean(true),
};

/**
 * StarCoder 2 (Lozhkov et al. 2024, "StarCoder 2 and The Stack v2"): layer norms and biases, grouped queries, a window.
 *
 * @throws ConfigError that names the setting
 */
export function starcoder2(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, schema);
  const { hidden_size: hiddenSize, num_attention_heads: numHeads, use_bias: bias } = settings;
  const headDim = settings.head_dim ?? hiddenSize / numHeads;
  const rotary = new RotaryEmbedding(
    readRope(config, { headDim, maxLength: settings.max_position_embeddings }),
  );
  const weightInit = normal(settings.initializer_range);
  const norm = () => new LayerNorm({ size: hiddenSize, eps: settings.norm_epsilon });
  return new CausalDecoder({
    modelType: 'starcoder2',
    architecture: 'Starcoder2ForCausalLM',
    settings,
    rotary,
    norm: norm(),
    embeddingDropout: settings.embedding_dropout,
    block: (_layer, rng) =>
      new PreNormBlock({
        norm,
        attention: new GroupedQueryAttention({
          hiddenSize,
          numHeads,
          numKeyValueHeads: settings.num_key_value_heads,
          headDim,
          rotary,
          qkvBias: bias,
          outputBias: bias,
          window: settings.sliding_window,
          dropout: settings.attention_dropout,
          weightInit,
          rng: rng.fold('self_attn'),
        }),
        mlp: new Starcoder2MLP(settings, rng.fold('mlp')),
        dropout: settings.residual_dropout,
      }),
    rng,
  });
}

interface MLPSettings {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly hidden_act: ActivationName;
  readonly use_bias: boolean;
  readonly initializer_range: number;
}

/** `c_proj(activation(c_fc(x)))`, float32 `[B, T, C]` → `[B, T, C]`. */
class Starcoder2MLP extends Module {
  readonly c_fc: Linear;
  readonly c_proj: Linear;
  readonly activation: ActivationName;

  constructor(settings: MLPSettings, rng: Rng) {
    super();
    const { hidden_size, intermediate_size, use_bias: bias, initializer_range } = settings;
    const inits = { bias, weightInit: normal(initializer_range), biasInit: zeros };
    this.c_fc = new Linear({
      inFeatures: hidden_size,
      outFeatures: intermediate_size,
      ...inits,
      rng: rng.fold('c_fc'),
    });
    this.c_proj = new Linear({
      inFeatures: intermediate_size,
      outFeatures: hidden_size,
      ...inits,
      rng: rng.fold('c_proj'),
    });
    this.activation = settings.hidden_act;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = activations[this.activation](this.c_fc.call(x, ctx.at('c_fc')));
    return this.c_proj.call(ctx.observe(hidden, 'hidden'), ctx.at('c_proj'));
  }
}
