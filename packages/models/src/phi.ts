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
import { add, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { type Config, only } from './config.ts';
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
import { activation, boolean, number, optionalInteger, readSettings, type SettingsOf } from './settings.ts';

const schema = {
  ...decoderSchema,
  num_key_value_heads: optionalInteger(),
  hidden_act: activation('gelu_new'),
  layer_norm_eps: number(1e-5),
  resid_pdrop: number(0),
  embd_pdrop: number(0),
  qk_layernorm: boolean(false),
};
type PhiSettings = SettingsOf<typeof schema>;

/**
 * Phi 1, 1.5 and 2 (Gunasekar et al. 2023, "Textbooks are all you need"): attention and MLP side by side on one norm, and
 * only the first part of a head turns.
 *
 * @throws ConfigError that names the setting
 */
export function phi(config: Config, rng: Rng): Phi {
  only(config, 'tie_word_embeddings', false); // its output keeps a bias of its own then
  const settings = readSettings(config, schema);
  const headDim = settings.hidden_size / settings.num_attention_heads;
  const maxLength = settings.max_position_embeddings;
  return new Phi(
    settings,
    new RotaryEmbedding(readRope(config, { headDim, maxLength, partialRotaryFactor: 0.5 })),
    rng,
  );
}

export class Phi extends DecoderLanguageModel {
  readonly model: PhiModel;
  /** Has a bias; absent when the output is tied to the token embedding. */
  readonly lm_head?: Linear;

  constructor(settings: PhiSettings, rotary: RotaryEmbedding, rng: Rng) {
    super({ modelType: 'phi', architecture: 'PhiForCausalLM', settings, rotary });
    this.model = new PhiModel(settings, rotary, rng.fold('model'));
    this.lm_head = outputHead(settings, rng.fold('lm_head'), { bias: true });
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    return this.unembed(wanted(this.model.call(ids, ctx.at('model')), ctx), ctx);
  }

  override unembed(x: Tensor, ctx: Context): Tensor3D {
    return unembed(x, this.lm_head, this.model.embed_tokens, ctx.at('lm_head'));
  }

  override get anatomy(): Anatomy {
    return {
      embedding: 'model.embed_dropout',
      blocks: anatomies(this.model.layers, 'model.layers'),
      norm: 'model.final_layernorm',
      unembedding: 'lm_head',
    };
  }
}

/** The model without its output layer; ids int32 `[B, T]` → the normed residual stream, float32 `[B, T, C]`. */
class PhiModel extends Module<Tensor2D, Tensor> {
  readonly embed_tokens: Embedding;
  readonly embed_dropout: Dropout;
  readonly layers: TransformerBlock[];
  readonly final_layernorm: LayerNorm;

  constructor(settings: PhiSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    this.embed_tokens = tokenEmbedding(settings, rng.fold('embed_tokens'));
    this.embed_dropout = new Dropout({ rate: settings.embd_pdrop });
    this.layers = blocks(settings, (_layer, rng) => new PhiBlock(settings, rotary, rng), rng);
    this.final_layernorm = new LayerNorm({ size: settings.hidden_size, eps: settings.layer_norm_eps });
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor {
    const embedded = this.embed_tokens.call(ids, ctx.at('embed_tokens')); // [B, T, C]
    const x = runBlocks(this.layers, this.embed_dropout.call(embedded, ctx.at('embed_dropout')), ctx);
    return this.final_layernorm.call(x, ctx.at('final_layernorm'));
  }
}

/** `x + self_attn(y) + mlp(y)` with `y = input_layernorm(x)`; float32 `[B, T, C]` → `[B, T, C]`. */
class PhiBlock extends TransformerBlock {
  readonly input_layernorm: LayerNorm;
  readonly self_attn: PhiAttention;
  readonly mlp: PhiMLP;
  readonly resid_attn_dropout: Dropout;
  readonly resid_mlp_dropout: Dropout;

  constructor(settings: PhiSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size, layer_norm_eps, resid_pdrop } = settings;
    this.input_layernorm = new LayerNorm({ size: hidden_size, eps: layer_norm_eps });
    this.self_attn = new PhiAttention(settings, rotary, rng.fold('self_attn'));
    this.mlp = new PhiMLP(settings, rng.fold('mlp'));
    this.resid_attn_dropout = new Dropout({ rate: resid_pdrop });
    this.resid_mlp_dropout = new Dropout({ rate: resid_pdrop });
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const normed = this.input_layernorm.call(x, ctx.at('input_layernorm'));
    const attended = this.self_attn.call(normed, ctx.at('self_attn'));
    const fed = this.mlp.call(normed, ctx.at('mlp'));
    const sum = add(
      this.resid_attn_dropout.call(attended, ctx.at('resid_attn_dropout')),
      this.resid_mlp_dropout.call(fed, ctx.at('resid_mlp_dropout')),
    );
    return add(x, sum);
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'self_attn', projection: 'dense', mlp: 'mlp', parallel: true };
  }
}

class PhiAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly dense: Linear;
  readonly q_layernorm?: LayerNorm;
  readonly k_layernorm?: LayerNorm;
  readonly rotary: RotaryEmbedding;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  readonly dropout: number;

  constructor(settings: PhiSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: width, num_attention_heads: heads, layer_norm_eps: eps } = settings;
    const { num_key_value_heads: keyHeads = heads, initializer_range } = settings;
    checkHeads(width, heads, keyHeads, width / heads);
    const weightInit = normal(initializer_range);
    const project = (name: string, outFeatures: number) =>
      new Linear({ inFeatures: width, outFeatures, weightInit, biasInit: zeros, rng: rng.fold(name) });
    this.q_proj = project('q_proj', width);
    this.k_proj = project('k_proj', (width / heads) * keyHeads);
    this.v_proj = project('v_proj', (width / heads) * keyHeads);
    this.dense = project('dense', width);
    if (settings.qk_layernorm) {
      this.q_layernorm = new LayerNorm({ size: width / heads, eps });
      this.k_layernorm = new LayerNorm({ size: width / heads, eps });
    }
    this.rotary = rotary;
    this.numHeads = heads;
    this.numKeyValueHeads = keyHeads;
    this.dropout = settings.attention_dropout;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const heads = (name: 'q' | 'k', count: number) => {
      const projected = splitHeads(this[`${name}_proj`].call(x, ctx.at(`${name}_proj`)), count); // [B, H, T, D]
      const norm = this[`${name}_layernorm`];
      const normed = norm === undefined ? projected : norm.call(projected, ctx.at(`${name}_layernorm`));
      return this.rotary.rotate(normed as typeof projected, ctx);
    };
    const q = heads('q', this.numHeads);
    const k = heads('k', this.numKeyValueHeads);
    const v = splitHeads(this.v_proj.call(x, ctx.at('v_proj')), this.numKeyValueHeads); // [B, H', T, D]
    const out = mergeHeads(causalAttention(q, k, v, ctx, { dropout: this.dropout })); // [B, T, C]
    return this.dense.call(out, ctx.at('dense'));
  }
}

/** `fc2(activation(fc1(x)))` */
class PhiMLP extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly activation: ActivationName;

  constructor({ hidden_size, intermediate_size, hidden_act, initializer_range }: PhiSettings, rng: Rng) {
    super();
    const inits = { weightInit: normal(initializer_range), biasInit: zeros };
    this.fc1 = new Linear({
      inFeatures: hidden_size,
      outFeatures: intermediate_size,
      ...inits,
      rng: rng.fold('fc1'),
    });
    this.fc2 = new Linear({
      inFeatures: intermediate_size,
      outFeatures: hidden_size,
      ...inits,
      rng: rng.fold('fc2'),
    });
    this.activation = hidden_act;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = activations[this.activation](this.fc1.call(x, ctx.at('fc1')));
    return this.fc2.call(ctx.observe(hidden, 'hidden'), ctx.at('fc2'));
  }
}
