import { type Context, Module, type Rng } from '@minigpt/core';
import {
  type ActivationName,
  causalAttention,
  checkHeads,
  gated,
  Linear,
  mergeHeads,
  normal,
  RMSNorm,
  RotaryEmbedding,
  splitHeads,
} from '@minigpt/layers';
import { split, type Tensor } from '@tensorflow/tfjs-core';
import type { Config } from './config.ts';
import { CausalDecoder, decoderSchema, PreNormBlock } from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, integer, number, optionalInteger, readSettings, type SettingsOf } from './settings.ts';

const schema = {
  ...decoderSchema,
  max_position_embeddings: integer(4096),
  original_max_position_embeddings: optionalInteger(),
  num_key_value_heads: optionalInteger(),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-5),
  resid_pdrop: number(0),
  sliding_window: optionalInteger(),
};
type Phi3Settings = SettingsOf<typeof schema>;

/**
 * Phi 3 and 4 (Abdin et al. 2024, "Phi-3 technical report"): Llama with queries, keys and values in one product, gate and up
 * in another, and LongRoPE.
 *
 * @throws ConfigError that names the setting
 */
export function phi3(config: Config, rng: Rng): CausalDecoder {
  const settings = readSettings(config, schema);
  const { hidden_size: size, rms_norm_eps: eps } = settings;
  const headDim = size / settings.num_attention_heads;
  const maxLength = settings.max_position_embeddings;
  const rotary = new RotaryEmbedding(readRope(config, { headDim, maxLength }));
  const norm = () => new RMSNorm({ size, eps });
  return new CausalDecoder({
    modelType: 'phi3',
    architecture: 'Phi3ForCausalLM',
    settings,
    rotary,
    norm: norm(),
    block: (_layer, rng) =>
      new PreNormBlock({
        norm,
        attention: new Phi3Attention(settings, rotary, rng.fold('self_attn')),
        mlp: new Phi3MLP(settings, rng.fold('mlp')),
        dropout: settings.resid_pdrop,
      }),
    rng,
  });
}

/** Grouped-query attention whose `qkv_proj` gives all queries, then all keys, then all values. */
class Phi3Attention extends Module {
  readonly qkv_proj: Linear;
  readonly o_proj: Linear;
  readonly rotary: RotaryEmbedding;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  readonly window: number | undefined;
  readonly dropout: number;

  constructor(settings: Phi3Settings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: width, num_attention_heads: heads } = settings;
    const { num_key_value_heads: keyHeads = heads } = settings;
    checkHeads(width, heads, keyHeads, width / heads);
    const project = (name: string, outFeatures: number) =>
      new Linear({
        inFeatures: width,
        outFeatures,
        bias: false,
        weightInit: normal(settings.initializer_range),
        rng: rng.fold(name),
      });
    this.qkv_proj = project('qkv_proj', width + 2 * (width / heads) * keyHeads);
    this.o_proj = project('o_proj', width);
    this.rotary = rotary;
    this.numHeads = heads;
    this.numKeyValueHeads = keyHeads;
    this.window = settings.sliding_window;
    this.dropout = settings.attention_dropout;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const { numHeads, numKeyValueHeads, rotary, window, dropout } = this;
    const width = x.shape[2] as number;
    const keyWidth = (width / numHeads) * numKeyValueHeads;
    const parts = split(this.qkv_proj.call(x, ctx.at('qkv_proj')), [width, keyWidth, keyWidth], -1);
    const q = rotary.rotate(splitHeads(parts[0], numHeads), ctx); // [B, H, T, D]
    const k = rotary.rotate(splitHeads(parts[1], numKeyValueHeads), ctx); // [B, H', T, D]
    const v = splitHeads(parts[2], numKeyValueHeads);
    const out = mergeHeads(causalAttention(q, k, v, ctx, { window, dropout })); // [B, T, C]
    return this.o_proj.call(out, ctx.at('o_proj'));
  }
}

/** `down_proj(activation(gate) · up)`, with gate and up the halves of `gate_up_proj(x)`. */
class Phi3MLP extends Module {
  readonly gate_up_proj: Linear;
  readonly down_proj: Linear;
  readonly activation: ActivationName;

  constructor({ hidden_size, intermediate_size, hidden_act, initializer_range }: Phi3Settings, rng: Rng) {
    super();
    const inits = { bias: false, weightInit: normal(initializer_range) };
    this.gate_up_proj = new Linear({
      inFeatures: hidden_size,
      outFeatures: 2 * intermediate_size,
      ...inits,
      rng: rng.fold('gate_up_proj'),
    });
    this.down_proj = new Linear({
      inFeatures: intermediate_size,
      outFeatures: hidden_size,
      ...inits,
      rng: rng.fold('down_proj'),
    });
    this.activation = hidden_act;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const [gate, up] = split(this.gate_up_proj.call(x, ctx.at('gate_up_proj')), 2, -1);
    const hidden = ctx.observe(gated(this.activation, gate, up), 'hidden');
    return this.down_proj.call(hidden, ctx.at('down_proj'));
  }
}
