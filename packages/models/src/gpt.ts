import {
  type Anatomy,
  type BlockAnatomy,
  type Context,
  checkpoint,
  Module,
  type Rng,
  ShapeError,
  Transformer,
  TransformerBlock,
} from '@minigpt/core';
import {
  type ActivationName,
  activationName,
  CausalSelfAttention,
  checkWidth,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  MLP,
  normal,
} from '@minigpt/layers';
import { add, slice, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { boolean, type Config, number, only, positiveInteger } from './config.ts';
import { anatomies, unembed, wanted } from './decoder.ts';

export interface GPTOptions {
  /** V */
  readonly vocabSize: number;
  /** T: the longest context; there are as many learned positions. */
  readonly blockSize: number;
  readonly nLayer: number;
  /** H, which divides `nEmbd`. */
  readonly nHead: number;
  /** C */
  readonly nEmbd: number;
  /** Width inside the feed-forward block; 4 C unless told. */
  readonly nInner?: number;
  /** Rate of all three dropouts unless one of its own is given. */
  readonly dropout?: number;
  readonly embdPdrop?: number;
  readonly attnPdrop?: number;
  readonly residPdrop?: number;
  /** Biases in the linear layers and norms. GPT-2 has them; nanoGPT's recipes do without. */
  readonly bias?: boolean;
  /** The output matrix is the token embedding (Press & Wolf 2017). */
  readonly tieWordEmbeddings?: boolean;
  readonly activationFunction?: ActivationName;
  readonly layerNormEpsilon?: number;
  /** Divide the scores by √D. */
  readonly scaleAttnWeights?: boolean;
  /** Divide the scores of layer i, counted from 1, by i too. */
  readonly scaleAttnByInverseLayerIdx?: boolean;
  /** Standard deviation of the first weights; the two that write to the residual stream get it divided by √(2 nLayer). */
  readonly initializerRange?: number;
  readonly rng: Rng;
}

type GPTSettings = Required<Omit<GPTOptions, 'rng' | 'dropout'>>;

/**
 * GPT-2 (Radford et al. 2019, "Language models are unsupervised multitask learners"): pre-norm blocks, learned positions.
 * Parameter names, weight layouts and initialisation are GPT-2's, so a folder of a published one loads as it is.
 *
 * @throws ConfigError if `nHead` does not divide `nEmbd`
 */
export class GPT extends Transformer {
  readonly transformer: GPTTransformer;
  /** Absent when the output is tied to the token embedding. */
  readonly lm_head?: Linear;
  readonly settings: GPTSettings;

  constructor({ rng, dropout = 0, ...options }: GPTOptions) {
    super();
    checkWidth(options.nEmbd, options.nHead);
    const settings: GPTSettings = {
      nInner: 4 * options.nEmbd,
      embdPdrop: dropout,
      attnPdrop: dropout,
      residPdrop: dropout,
      bias: true,
      tieWordEmbeddings: true,
      activationFunction: 'gelu_new',
      layerNormEpsilon: 1e-5,
      scaleAttnWeights: true,
      scaleAttnByInverseLayerIdx: false,
      initializerRange: 0.02,
      ...options,
    };
    this.settings = settings;
    this.transformer = new GPTTransformer(settings, rng.fold('transformer'));
    if (!settings.tieWordEmbeddings) {
      this.lm_head = new Linear({
        inFeatures: settings.nEmbd,
        outFeatures: settings.vocabSize,
        bias: false,
        weightInit: normal(settings.initializerRange),
        rng: rng.fold('lm_head'),
      });
    }
  }

  get vocabSize(): number {
    return this.settings.vocabSize;
  }

  get blockSize(): number {
    return this.settings.blockSize;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    return this.unembed(wanted(this.transformer.call(ids, ctx.at('transformer')), ctx), ctx);
  }

  override unembed(x: Tensor, ctx: Context): Tensor3D {
    return unembed(x, this.lm_head, this.transformer.wte, ctx.at('lm_head'));
  }

  override get anatomy(): Anatomy {
    return {
      embedding: 'transformer.drop',
      positions: 'transformer.wpe',
      blocks: anatomies(this.transformer.h, 'transformer.h'),
      norm: 'transformer.ln_f',
      unembedding: 'lm_head',
    };
  }

  /** Hugging Face's `gpt2` config where that family can express the model; `model_type` is `gpt` where biases are absent. */
  override toConfig(): Config {
    const { settings } = this;
    return {
      model_type: settings.bias ? 'gpt2' : 'gpt',
      architectures: [settings.bias ? 'GPT2LMHeadModel' : 'GPT'],
      vocab_size: settings.vocabSize,
      n_positions: settings.blockSize,
      n_layer: settings.nLayer,
      n_head: settings.nHead,
      n_embd: settings.nEmbd,
      n_inner: settings.nInner,
      embd_pdrop: settings.embdPdrop,
      attn_pdrop: settings.attnPdrop,
      resid_pdrop: settings.residPdrop,
      ...(settings.bias ? {} : { bias: false }),
      tie_word_embeddings: settings.tieWordEmbeddings,
      activation_function: settings.activationFunction,
      layer_norm_epsilon: settings.layerNormEpsilon,
      scale_attn_weights: settings.scaleAttnWeights,
      scale_attn_by_inverse_layer_idx: settings.scaleAttnByInverseLayerIdx,
      initializer_range: settings.initializerRange,
      // Else transformers assumes GPT-2's own, which a small vocabulary does not have.
      bos_token_id: null,
      eos_token_id: null,
      torch_dtype: 'float32',
    };
  }

  /** @throws ConfigError that names the key, also for a setting that is not implemented */
  static fromConfig(config: Config, rng: Rng): GPT {
    only(config, 'add_cross_attention', false);
    const nEmbd = positiveInteger(config, 'n_embd');
    return new GPT({
      vocabSize: positiveInteger(config, 'vocab_size'),
      blockSize: positiveInteger(config, 'n_positions'),
      nLayer: positiveInteger(config, 'n_layer'),
      nHead: positiveInteger(config, 'n_head'),
      nEmbd,
      nInner: config.n_inner == null ? 4 * nEmbd : positiveInteger(config, 'n_inner'),
      embdPdrop: number(config, 'embd_pdrop', 0.1),
      attnPdrop: number(config, 'attn_pdrop', 0.1),
      residPdrop: number(config, 'resid_pdrop', 0.1),
      bias: boolean(config, 'bias', true),
      tieWordEmbeddings: boolean(config, 'tie_word_embeddings', true),
      activationFunction: activationName(config.activation_function ?? 'gelu_new'),
      layerNormEpsilon: number(config, 'layer_norm_epsilon', 1e-5),
      scaleAttnWeights: boolean(config, 'scale_attn_weights', true),
      scaleAttnByInverseLayerIdx: boolean(config, 'scale_attn_by_inverse_layer_idx', false),
      initializerRange: number(config, 'initializer_range', 0.02),
      rng,
    });
  }
}

/** The model without its output layer; ids int32 `[B, T]` → the normed residual stream, float32 `[B, T, C]`. */
export class GPTTransformer extends Module<Tensor2D, Tensor> {
  readonly wte: Embedding;
  readonly wpe: Embedding;
  readonly drop: Dropout;
  readonly h: Block[];
  readonly ln_f: LayerNorm;

  constructor(settings: GPTSettings, rng: Rng) {
    super();
    const { vocabSize, blockSize, nLayer, nEmbd, embdPdrop, bias, layerNormEpsilon, initializerRange } =
      settings;
    const weightInit = normal(initializerRange);
    this.wte = new Embedding({
      numEmbeddings: vocabSize,
      embeddingDim: nEmbd,
      weightInit,
      rng: rng.fold('wte'),
    });
    this.wpe = new Embedding({
      numEmbeddings: blockSize,
      embeddingDim: nEmbd,
      weightInit,
      rng: rng.fold('wpe'),
    });
    this.drop = new Dropout({ rate: embdPdrop });
    this.h = Array.from({ length: nLayer }, (_, i) => new Block(settings, i, rng.fold('h').fold(i)));
    this.ln_f = new LayerNorm({ size: nEmbd, bias, eps: layerNormEpsilon });
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor {
    const embedded = add(this.wte.call(ids, ctx.at('wte')), this.#positions(ids, ctx)); // [B, T, C]
    let x = this.drop.call(embedded, ctx.at('drop'));
    for (const [i, block] of this.h.entries()) {
      const at = ctx.at('h', i);
      x = ctx.training && ctx.checkpointing ? checkpoint(block, x, at) : block.call(x, at);
    }
    return this.ln_f.call(x, ctx.at('ln_f'));
  }

  /** The embedding of each token's position: `[T, C]` where all rows are alike, `[B, T, C]` in a padded batch. */
  #positions(ids: Tensor2D, ctx: Context): Tensor {
    const [, t] = ids.shape;
    const [blockSize, width] = this.wpe.weight.shape;
    const positions = () => {
      const room = blockSize - (ctx.cache?.length ?? 0);
      if (t > room) throw new ShapeError('The ids', `[B, T] with T ≤ ${room}`, ids.shape);
      return ctx.positions(t);
    };
    if (ctx.cache === undefined && ctx.padding === undefined) {
      const [first] = positions().data;
      return ctx.at('wpe').observe(slice(this.wpe.weight as Tensor, [first, 0], [t, width])); // [T, C]
    }
    return this.wpe.call(ctx.ofColumns(positions), ctx.at('wpe')); // [T, C] or [B, T, C]
  }
}

/** `x + attn(ln_1(x))`, then `x + mlp(ln_2(x))`; float32 `[B, T, C]` → `[B, T, C]`. */
class Block extends TransformerBlock {
  readonly ln_1: LayerNorm;
  readonly attn: CausalSelfAttention;
  readonly ln_2: LayerNorm;
  readonly mlp: MLP;

  constructor(settings: GPTSettings, layer: number, rng: Rng) {
    super();
    const { nEmbd, nHead, nInner, nLayer, bias, attnPdrop, residPdrop, initializerRange } = settings;
    const ofHeads = settings.scaleAttnWeights ? (nEmbd / nHead) ** -0.5 : 1;
    const weightInit = normal(initializerRange);
    const projectionInit = normal(initializerRange / Math.sqrt(2 * nLayer));
    this.ln_1 = new LayerNorm({ size: nEmbd, bias, eps: settings.layerNormEpsilon });
    this.attn = new CausalSelfAttention({
      nEmbd,
      nHead,
      bias,
      scale: settings.scaleAttnByInverseLayerIdx ? ofHeads / (layer + 1) : ofHeads,
      attnDropout: attnPdrop,
      residDropout: residPdrop,
      weightInit,
      projectionInit,
      rng: rng.fold('attn'),
    });
    this.ln_2 = new LayerNorm({ size: nEmbd, bias, eps: settings.layerNormEpsilon });
    this.mlp = new MLP({
      nEmbd,
      nInner,
      activation: settings.activationFunction,
      bias,
      dropout: residPdrop,
      weightInit,
      projectionInit,
      rng: rng.fold('mlp'),
    });
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const attended = this.attn.call(this.ln_1.call(x, ctx.at('ln_1')), ctx.at('attn'));
    const between = ctx.observe(add(x, attended), 'resid_mid');
    return add(between, this.mlp.call(this.ln_2.call(between, ctx.at('ln_2')), ctx.at('mlp')));
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'attn', projection: 'c_proj', mlp: 'mlp' };
  }
}
