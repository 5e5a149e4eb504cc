import {
  type Anatomy,
  type BlockAnatomy,
  type Context,
  checkpoint,
  Module,
  type Rng,
  Transformer,
  TransformerBlock,
} from '@minigpt/core';
import { Dropout, Embedding, Linear, normal, type RotaryEmbedding, zeros } from '@minigpt/layers';
import { linear } from '@minigpt/ops';
import { add, div, mul, slice, type Tensor, type Tensor2D, type Tensor3D, tanh } from '@tensorflow/tfjs-core';
import type { Config } from './config.ts';
import { writeRope } from './rope-config.ts';
import { boolean, integer, number, tokenIds } from './settings.ts';

/** The settings that every published family with rotary positions has. */
export const decoderSchema = {
  vocab_size: integer(),
  hidden_size: integer(),
  intermediate_size: integer(),
  num_hidden_layers: integer(),
  num_attention_heads: integer(),
  max_position_embeddings: integer(2048),
  initializer_range: number(0.02),
  attention_dropout: number(0),
  tie_word_embeddings: boolean(false),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
};

interface DecoderSettings {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly max_position_embeddings: number;
  readonly initializer_range: number;
  readonly tie_word_embeddings: boolean;
  readonly head_dim?: number;
}

/** What sets one family apart from another. */
export interface DecoderFamily {
  /** `model_type` of the config. */
  readonly modelType: string;
  /** The class of transformers, which the config names. */
  readonly architecture: string;
  readonly settings: DecoderSettings;
  readonly rotary: RotaryEmbedding;
}

/** Calls blocks one after another, each recomputed in the backward pass where the context asks for it. */
export function runBlocks(blocks: readonly Module[], input: Tensor, ctx: Context): Tensor {
  return blocks.reduce((x, block, i) => {
    const at = ctx.at('layers', i);
    return ctx.training && ctx.checkpointing ? checkpoint(block, x, at) : block.call(x, at);
  }, input);
}

/** A language model with rotary positions: what all published families share but the names of their parts. */
export abstract class DecoderLanguageModel extends Transformer {
  readonly family: DecoderFamily;

  constructor(family: DecoderFamily) {
    super();
    this.family = family;
  }

  get vocabSize(): number {
    return this.family.settings.vocab_size;
  }

  get blockSize(): number {
    return this.family.settings.max_position_embeddings;
  }

  /** A config that transformers 4 and 5 read. */
  override toConfig(): Config {
    const { modelType, architecture, settings, rotary } = this.family;
    const headDim = settings.head_dim ?? settings.hidden_size / settings.num_attention_heads;
    return {
      architectures: [architecture],
      model_type: modelType,
      ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value ?? null])),
      ...('head_dim' in settings && { head_dim: headDim }), // null stops transformers where positions are scaled by yarn
      ...writeRope(rotary.settings, headDim),
      torch_dtype: 'float32',
    };
  }
}

/** The output layer of a family, unless it is tied to the embedding; the bias is Phi's. */
export function outputHead(settings: DecoderSettings, rng: Rng, { bias = false } = {}): Linear | undefined {
  const { hidden_size, vocab_size, initializer_range, tie_word_embeddings } = settings;
  if (tie_word_embeddings) return undefined;
  const shape = { inFeatures: hidden_size, outFeatures: vocab_size };
  return new Linear({ ...shape, bias, weightInit: normal(initializer_range), biasInit: zeros, rng });
}

/** `[B, T, C]` → `[B, T, V]` by the output layer, or by the token embedding where it is tied; seen at the layer's place. */
export function unembed(x: Tensor, head: Linear | undefined, embedding: Embedding, ctx: Context): Tensor3D {
  const logits =
    head === undefined ? ctx.observe(linear(x, embedding.weight as Tensor as Tensor2D)) : head.call(x, ctx);
  return logits as Tensor3D;
}

/** The anatomy of each block, with its path. */
export function anatomies(blocks: readonly TransformerBlock[], path: string): Anatomy['blocks'] {
  return blocks.map(({ anatomy }, i) => ({ ...anatomy, path: `${path}.${i}` }));
}

/** The positions whose logits the context asks for: `[B, T, C]` → `[B, T', C]`. */
export function wanted(x: Tensor, ctx: Context): Tensor {
  const [b, t, c] = x.shape as [number, number, number];
  return ctx.lastLogitsOnly && t > 1 ? slice(x, [0, t - 1, 0], [b, 1, c]) : x;
}

export interface CausalDecoderOptions extends DecoderFamily {
  readonly block: (layer: number, rng: Rng) => TransformerBlock;
  /** The norm after the last block. */
  readonly norm: Module;
  /** What the embeddings are multiplied by (Gemma). */
  readonly embeddingScale?: number;
  readonly embeddingDropout?: number;
  /** c: the logits become `c tanh(logits / c)` (Gemma 2). */
  readonly logitSoftcap?: number;
  readonly rng: Rng;
}

/** The families whose checkpoints say `model.embed_tokens`, `model.layers`, `model.norm` and `lm_head`. */
export class CausalDecoder extends DecoderLanguageModel {
  readonly model: Decoder;
  /** Absent when the output is tied to the token embedding. */
  readonly lm_head?: Linear;
  readonly logitSoftcap: number | undefined;

  constructor({
    block,
    norm,
    embeddingScale,
    embeddingDropout,
    logitSoftcap,
    rng,
    ...family
  }: CausalDecoderOptions) {
    super(family);
    const parts = { block, norm, embeddingScale, embeddingDropout };
    this.model = new Decoder(family.settings, parts, rng.fold('model'));
    this.lm_head = outputHead(family.settings, rng.fold('lm_head'));
    this.logitSoftcap = logitSoftcap;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    return this.unembed(wanted(this.model.call(ids, ctx.at('model')), ctx), ctx);
  }

  override unembed(x: Tensor, ctx: Context): Tensor3D {
    const logits = unembed(x, this.lm_head, this.model.embed_tokens, ctx.at('lm_head')); // [B, T, V]
    const cap = this.logitSoftcap;
    return cap === undefined ? logits : mul(tanh(div(logits, cap)), cap);
  }

  override get anatomy(): Anatomy {
    return {
      embedding: 'model.embed_dropout',
      blocks: anatomies(this.model.layers, 'model.layers'),
      norm: 'model.norm',
      unembedding: 'lm_head',
    };
  }
}

type DecoderParts = Pick<CausalDecoderOptions, 'block' | 'norm' | 'embeddingScale' | 'embeddingDropout'>;

/** The model without its output layer; ids int32 `[B, T]` → the normed residual stream, float32 `[B, T, C]`. */
export class Decoder extends Module<Tensor2D, Tensor> {
  readonly embed_tokens: Embedding;
  readonly embed_dropout: Dropout;
  readonly layers: TransformerBlock[];
  readonly norm: Module;
  readonly embeddingScale: number;

  constructor(
    settings: DecoderSettings,
    { block, norm, embeddingScale = 1, embeddingDropout = 0 }: DecoderParts,
    rng: Rng,
  ) {
    super();
    this.embed_tokens = tokenEmbedding(settings, rng.fold('embed_tokens'));
    this.embed_dropout = new Dropout({ rate: embeddingDropout });
    this.layers = blocks(settings, block, rng);
    this.norm = norm;
    this.embeddingScale = embeddingScale;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor {
    const embedded = this.embed_tokens.call(ids, ctx.at('embed_tokens')); // [B, T, C]
    const scaled = this.embeddingScale === 1 ? embedded : mul(embedded, this.embeddingScale);
    const x = this.embed_dropout.call(scaled, ctx.at('embed_dropout'));
    return this.norm.call(runBlocks(this.layers, x, ctx), ctx.at('norm'));
  }
}

export function tokenEmbedding(settings: DecoderSettings, rng: Rng): Embedding {
  const { vocab_size, hidden_size, initializer_range } = settings;
  return new Embedding({
    numEmbeddings: vocab_size,
    embeddingDim: hidden_size,
    weightInit: normal(initializer_range),
    rng,
  });
}

export function blocks(
  { num_hidden_layers }: DecoderSettings,
  block: (layer: number, rng: Rng) => TransformerBlock,
  rng: Rng,
): TransformerBlock[] {
  return Array.from({ length: num_hidden_layers }, (_, i) => block(i, rng.fold('layers').fold(i)));
}

export interface PreNormBlockOptions {
  readonly norm: () => Module;
  readonly attention: Module;
  readonly mlp: Module;
  /** Of what each half adds to the residual stream. */
  readonly dropout?: number;
}

/** `x + self_attn(input_layernorm(x))`, then `x + mlp(post_attention_layernorm(x))`; float32 `[B, T, C]` → `[B, T, C]`. */
export class PreNormBlock extends TransformerBlock {
  readonly input_layernorm: Module;
  readonly self_attn: Module;
  readonly post_attention_layernorm: Module;
  readonly mlp: Module;
  readonly resid_attn_dropout: Dropout;
  readonly resid_mlp_dropout: Dropout;

  constructor({ norm, attention, mlp, dropout = 0 }: PreNormBlockOptions) {
    super();
    this.input_layernorm = norm();
    this.self_attn = attention;
    this.post_attention_layernorm = norm();
    this.mlp = mlp;
    this.resid_attn_dropout = new Dropout({ rate: dropout });
    this.resid_mlp_dropout = new Dropout({ rate: dropout });
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const normed = this.input_layernorm.call(x, ctx.at('input_layernorm'));
    const attended = this.self_attn.call(normed, ctx.at('self_attn'));
    const sum = add(x, this.resid_attn_dropout.call(attended, ctx.at('resid_attn_dropout')));
    const between = ctx.observe(sum, 'resid_mid');
    const again = this.post_attention_layernorm.call(between, ctx.at('post_attention_layernorm'));
    const fed = this.mlp.call(again, ctx.at('mlp'));
    return add(between, this.resid_mlp_dropout.call(fed, ctx.at('resid_mlp_dropout')));
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'self_attn', projection: 'o_proj', mlp: 'mlp' };
  }
}
