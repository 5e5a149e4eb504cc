import { type BlockAnatomy, type Context, type Rng, TransformerBlock } from '@minigpt/core';
import { GatedMLP, GroupedQueryAttention, normal, RMSNorm, RotaryEmbedding } from '@minigpt/layers';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import type { Config } from './config.ts';
import { CausalDecoder, decoderSchema } from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, boolean, number, optionalInteger, readSettings, type SettingsOf } from './settings.ts';

const schema = {
  ...decoderSchema,
  num_key_value_heads: optionalInteger(),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-5),
  attention_bias: boolean(false),
};
type Olmo2Settings = SettingsOf<typeof schema>;

/**
 * OLMo 2 (Team OLMo 2024, "2 OLMo 2 Furious"): norms after each half of a block instead of before it, and over all queries and
 * keys of a token.
 *
 * @throws ConfigError that names the setting
 */
export function olmo2(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, schema);
  const headDim = settings.hidden_size / settings.num_attention_heads;
  const maxLength = settings.max_position_embeddings;
  const rotary = new RotaryEmbedding(readRope(config, { headDim, maxLength }));
  return new CausalDecoder({
    modelType: 'olmo2',
    architecture: 'Olmo2ForCausalLM',
    settings,
    rotary,
    norm: new RMSNorm({ size: settings.hidden_size, eps: settings.rms_norm_eps }),
    block: (_layer, rng) => new Olmo2Block(settings, rotary, rng),
    rng,
  });
}

/** `x + norm(self_attn(x))`, then `x + norm(mlp(x))`; float32 `[B, T, C]` → `[B, T, C]`. */
class Olmo2Block extends TransformerBlock {
  readonly self_attn: GroupedQueryAttention;
  readonly post_attention_layernorm: RMSNorm;
  readonly mlp: GatedMLP;
  readonly post_feedforward_layernorm: RMSNorm;

  constructor(settings: Olmo2Settings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: hiddenSize, rms_norm_eps: eps, attention_bias: bias } = settings;
    const weightInit = normal(settings.initializer_range);
    this.self_attn = new GroupedQueryAttention({
      hiddenSize,
      numHeads: settings.num_attention_heads,
      numKeyValueHeads: settings.num_key_value_heads,
      rotary,
      qkvBias: bias,
      outputBias: bias,
      qkNorm: { over: 'width', eps },
      dropout: settings.attention_dropout,
      weightInit,
      rng: rng.fold('self_attn'),
    });
    this.post_attention_layernorm = new RMSNorm({ size: hiddenSize, eps });
    this.mlp = new GatedMLP({
      hiddenSize,
      intermediateSize: settings.intermediate_size,
      activation: settings.hidden_act,
      weightInit,
      rng: rng.fold('mlp'),
    });
    this.post_feedforward_layernorm = new RMSNorm({ size: hiddenSize, eps });
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const attended = this.self_attn.call(x, ctx.at('self_attn'));
    const added = this.post_attention_layernorm.call(attended, ctx.at('post_attention_layernorm'));
    const between = ctx.observe(add(x, added), 'resid_mid');
    const fed = this.mlp.call(between, ctx.at('mlp'));
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
