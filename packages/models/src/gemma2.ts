import { type BlockAnatomy, type Context, type Rng, TransformerBlock } from '@minigpt/core';
import { GatedMLP, GroupedQueryAttention, normal, RMSNorm, RotaryEmbedding } from '@minigpt/layers';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import { type Config, only } from './config.ts';
import { CausalDecoder } from './decoder.ts';
import { gemmaSchema } from './gemma.ts';
import { readRope } from './rope-config.ts';
import {
  activation,
  layerTypes,
  number,
  optionalInteger,
  optionalNumber,
  readSettings,
  type SettingsOf,
} from './settings.ts';

const schema = {
  ...gemmaSchema,
  num_key_value_heads: optionalInteger(4),
  hidden_activation: activation('gelu_pytorch_tanh'),
  query_pre_attn_scalar: number(256),
  sliding_window: optionalInteger(4096),
  layer_types: layerTypes,
  final_logit_softcapping: optionalNumber(30),
  attn_logit_softcapping: optionalNumber(50),
};
type Gemma2Settings = SettingsOf<typeof schema>;

/**
 * Gemma 2 (Gemma Team 2024, "Gemma 2: improving open language models at a practical size"): Gemma with a norm before and
 * after each half of a block, soft caps on scores and logits, and a sliding window in every other layer, the first included.
 *
 * @throws ConfigError that names the setting
 */
export function gemma2(config: Config, rng: Rng): CausalDecoder {
  only(config, 'use_bidirectional_attention', false);
  const settings = readSettings(config, schema);
  const { hidden_size: size, head_dim: headDim, rms_norm_eps: eps } = settings;
  const rotary = new RotaryEmbedding(
    readRope(config, { headDim, maxLength: settings.max_position_embeddings }),
  );
  return new CausalDecoder({
    modelType: 'gemma2',
    architecture: 'Gemma2ForCausalLM',
    settings,
    rotary,
    norm: new RMSNorm({ size, eps, unitOffset: true }),
    embeddingScale: Math.sqrt(size),
    logitSoftcap: settings.final_logit_softcapping,
    block: (layer, rng) => new Gemma2Block(settings, rotary, layer, rng),
    rng,
  });
}

/** Each half of the block normed before and after it; float32 `[B, T, C]` → `[B, T, C]`. */
class Gemma2Block extends TransformerBlock {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: GroupedQueryAttention;
  readonly post_attention_layernorm: RMSNorm;
  readonly pre_feedforward_layernorm: RMSNorm;
  readonly mlp: GatedMLP;
  readonly post_feedforward_layernorm: RMSNorm;

  constructor(settings: Gemma2Settings, rotary: RotaryEmbedding, layer: number, rng: Rng) {
    super();
    const { hidden_size: hiddenSize, attention_bias: bias, layer_types } = settings;
    const slides = layer_types ? layer_types[layer] === 'sliding_attention' : layer % 2 === 0;
    const weightInit = normal(settings.initializer_range);
    const norm = () => new RMSNorm({ size: hiddenSize, eps: settings.rms_norm_eps, unitOffset: true });
    this.input_layernorm = norm();
    this.self_attn = new GroupedQueryAttention({
      hiddenSize,
      numHeads: settings.num_attention_heads,
      numKeyValueHeads: settings.num_key_value_heads,
      headDim: settings.head_dim,
      rotary,
      qkvBias: bias,
      outputBias: bias,
      window: slides ? settings.sliding_window : undefined,
      scale: settings.query_pre_attn_scalar ** -0.5,
      softcap: settings.attn_logit_softcapping,
      dropout: settings.attention_dropout,
      weightInit,
      rng: rng.fold('self_attn'),
    });
    this.post_attention_layernorm = norm();
    this.pre_feedforward_layernorm = norm();
    this.mlp = new GatedMLP({
      hiddenSize,
      intermediateSize: settings.intermediate_size,
      activation: settings.hidden_activation,
      weightInit,
      rng: rng.fold('mlp'),
    });
    this.post_feedforward_layernorm = norm();
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const normed = this.input_layernorm.call(x, ctx.at('input_layernorm'));
    const attended = this.self_attn.call(normed, ctx.at('self_attn'));
    const added = this.post_attention_layernorm.call(attended, ctx.at('post_attention_layernorm'));
    const between = ctx.observe(add(x, added), 'resid_mid');
    const again = this.pre_feedforward_layernorm.call(between, ctx.at('pre_feedforward_layernorm'));
    const fed = this.mlp.call(again, ctx.at('mlp'));
    return add(between, this.post_feedforward_layernorm.call(fed, ctx.at('post_feedforward_layernorm')));
  }

  override get anatomy(): BlockAnatomy {
    return {
      attention: 'self_attn',
      projection: 'o_proj',
      attentionNorm: 'post_attention_layernorm',
      mlp: 'mlp',
      mlpNorm: 'post_feedforward_layernorm',
    };
  }
}
