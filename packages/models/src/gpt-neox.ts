import {
  type Anatomy,
  type BlockAnatomy,
  type Context,
  Module,
  type Rng,
  TransformerBlock,
} from '@minigpt/core';
import {
  type ActivationName,
  activations,
  causalAttention,
  checkHeads,
  Dropout,
  type Embedding,
  LayerNorm,
  Linear,
  mergeHeads,
  normal,
  RotaryEmbedding,
  splitHeads,
  zeros,
} from '@minigpt/layers';
import { add, split, type Tensor, type Tensor2D, type Tensor3D, type Tensor4D } from '@tensorflow/tfjs-core';
import type { Config } from './config.ts';
import {
  anatomies,
  blocks,
  DecoderLanguageModel,
  decoderSchema,
  outputHead,
  runBlocks,
  tokenEmbedding,
  unembed,
  wanted,
} from './decoder.ts';
import { readRope } from './rope-config.ts';
import { activation, boolean, number, readSettings, type SettingsOf } from './settings.ts';

const schema = {
  ...decoderSchema,
  hidden_act: activation('gelu'),
  layer_norm_eps: number(1e-5),
  hidden_dropout: number(0),
  use_parallel_residual: boolean(true),
  attention_bias: boolean(true),
};
type GPTNeoXSettings = SettingsOf<typeof schema>;

/**
 * GPT-NeoX and Pythia (Black et al. 2022, "GPT-NeoX-20B"; Biderman et al. 2023, "Pythia"): attention and MLP side by side on
 * norms of their own, queries, keys and values in one product, and only the first part of a head turns.
 *
 * @throws ConfigError that names the setting
 */
export function gptNeoX(config: Config, rng: Rng): GPTNeoX {
  const settings = readSettings(config, schema);
  const headDim = settings.hidden_size / settings.num_attention_heads;
  const maxLength = settings.max_position_embeddings;
  return new GPTNeoX(
    settings,
    new RotaryEmbedding(readRope(config, { headDim, maxLength, partialRotaryFactor: 0.25 })),
    rng,
  );
}

export class GPTNeoX extends DecoderLanguageModel {
  readonly gpt_neox: GPTNeoXModel;
  /** Absent when the output is tied to the token embedding. */
  readonly embed_out?: Linear;

  constructor(settings: GPTNeoXSettings, rotary: RotaryEmbedding, rng: Rng) {
    super({ modelType: 'gpt_neox', architecture: 'GPTNeoXForCausalLM', settings, rotary });
    this.gpt_neox = new GPTNeoXModel(settings, rotary, rng.fold('gpt_neox'));
    this.embed_out = outputHead(settings, rng.fold('embed_out'));
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    return this.unembed(wanted(this.gpt_neox.call(ids, ctx.at('gpt_neox')), ctx), ctx);
  }

  override unembed(x: Tensor, ctx: Context): Tensor3D {
    return unembed(x, this.embed_out, this.gpt_neox.embed_in, ctx.at('embed_out'));
  }

  override get anatomy(): Anatomy {
    return {
      embedding: 'gpt_neox.emb_dropout',
      blocks: anatomies(this.gpt_neox.layers, 'gpt_neox.layers'),
      norm: 'gpt_neox.final_layer_norm',
      unembedding: 'embed_out',
    };
  }

  /** With the names that transformers 4 gave to the rotary settings. */
  override toConfig(): Config {
    const config = super.toConfig();
    const { rope_theta: rotary_emb_base, partial_rotary_factor: rotary_pct } = config;
    return { ...config, rotary_emb_base, rotary_pct };
  }
}

/** The model without its output layer; ids int32 `[B, T]` → the normed residual stream, float32 `[B, T, C]`. */
class GPTNeoXModel extends Module<Tensor2D, Tensor> {
  readonly embed_in: Embedding;
  readonly emb_dropout: Dropout;
  readonly layers: TransformerBlock[];
  readonly final_layer_norm: LayerNorm;

  constructor(settings: GPTNeoXSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    this.embed_in = tokenEmbedding(settings, rng.fold('embed_in'));
    this.emb_dropout = new Dropout({ rate: settings.hidden_dropout });
    this.layers = blocks(settings, (_layer, rng) => new GPTNeoXBlock(settings, rotary, rng), rng);
    this.final_layer_norm = new LayerNorm({ size: settings.hidden_size, eps: settings.layer_norm_eps });
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor {
    const embedded = this.embed_in.call(ids, ctx.at('embed_in')); // [B, T, C]
    const x = runBlocks(this.layers, this.emb_dropout.call(embedded, ctx.at('emb_dropout')), ctx);
    return this.final_layer_norm.call(x, ctx.at('final_layer_norm'));
  }
}

/**
 * `x + attention(input_layernorm(x)) + mlp(post_attention_layernorm(x))`, or one after the other where the residuals are not
 * parallel; float32 `[B, T, C]` → `[B, T, C]`.
 */
class GPTNeoXBlock extends TransformerBlock {
  readonly input_layernorm: LayerNorm;
  readonly post_attention_layernorm: LayerNorm;
  readonly post_attention_dropout: Dropout;
  readonly post_mlp_dropout: Dropout;
  readonly attention: GPTNeoXAttention;
  readonly mlp: GPTNeoXMLP;
  readonly parallel: boolean;

  constructor(settings: GPTNeoXSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: size, layer_norm_eps: eps, hidden_dropout: rate } = settings;
    this.input_layernorm = new LayerNorm({ size, eps });
    this.post_attention_layernorm = new LayerNorm({ size, eps });
    this.post_attention_dropout = new Dropout({ rate });
    this.post_mlp_dropout = new Dropout({ rate });
    this.attention = new GPTNeoXAttention(settings, rotary, rng.fold('attention'));
    this.mlp = new GPTNeoXMLP(settings, rng.fold('mlp'));
    this.parallel = settings.use_parallel_residual;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const normed = this.input_layernorm.call(x, ctx.at('input_layernorm'));
    const attended = this.attention.call(normed, ctx.at('attention'));
    const sum = add(x, this.post_attention_dropout.call(attended, ctx.at('post_attention_dropout')));
    const between = this.parallel ? sum : ctx.observe(sum, 'resid_mid');
    const source = this.parallel ? x : between;
    const again = this.post_attention_layernorm.call(source, ctx.at('post_attention_layernorm'));
    const fed = this.mlp.call(again, ctx.at('mlp'));
    return add(between, this.post_mlp_dropout.call(fed, ctx.at('post_mlp_dropout')));
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'attention', projection: 'dense', mlp: 'mlp', parallel: this.parallel };
  }
}

/** `query_key_value` gives, head by head, the query, the key and the value: `[B, T, H · 3 D]`. */
class GPTNeoXAttention extends Module {
  readonly query_key_value: Linear;
  readonly dense: Linear;
  readonly rotary: RotaryEmbedding;
  readonly numHeads: number;
  readonly dropout: number;

  constructor(settings: GPTNeoXSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: width, num_attention_heads: heads, attention_bias: bias } = settings;
    checkHeads(width, heads, heads, width / heads);
    const weightInit = normal(settings.initializer_range);
    const project = (name: string, outFeatures: number) =>
      new Linear({ inFeatures: width, outFeatures, bias, weightInit, biasInit: zeros, rng: rng.fold(name) });
    this.query_key_value = project('query_key_value', 3 * width);
    this.dense = project('dense', width);
    this.rotary = rotary;
    this.numHeads = heads;
    this.dropout = settings.attention_dropout;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const heads = splitHeads(this.query_key_value.call(x, ctx.at('query_key_value')), this.numHeads); // [B, H, T, 3 D]
    const [q, k, v] = split(heads, 3, -1) as Tensor4D[]; // [B, H, T, D]
    const turned = [q, k].map((part) => this.rotary.rotate(part, ctx));
    const out = mergeHeads(causalAttention(turned[0], turned[1], v, ctx, { dropout: this.dropout })); // [B, T, C]
    return this.dense.call(out, ctx.at('dense'));
  }
}

/** `dense_4h_to_h(activation(dense_h_to_4h(x)))` */
class GPTNeoXMLP extends Module {
  readonly dense_h_to_4h: Linear;
  readonly dense_4h_to_h: Linear;
  readonly activation: ActivationName;

  constructor({ hidden_size, intermediate_size, hidden_act, initializer_range }: GPTNeoXSettings, rng: Rng) {
    super();
    const inits = { weightInit: normal(initializer_range), biasInit: zeros };
    this.dense_h_to_4h = new Linear({
      inFeatures: hidden_size,
      outFeatures: intermediate_size,
      ...inits,
      rng: rng.fold('dense_h_to_4h'),
    });
    this.dense_4h_to_h = new Linear({
      inFeatures: intermediate_size,
      outFeatures: hidden_size,
      ...inits,
      rng: rng.fold('dense_4h_to_h'),
    });
    this.activation = hidden_act;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = activations[this.activation](this.dense_h_to_4h.call(x, ctx.at('dense_h_to_4h'))); // [B, T, 4 C]
    return this.dense_4h_to_h.call(ctx.observe(hidden, 'hidden'), ctx.at('dense_4h_to_h'));
  }
}
