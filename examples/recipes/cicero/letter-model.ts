import {
  type Anatomy,
  type BlockAnatomy,
  type Context,
  Module,
  type Rng,
  Transformer,
  TransformerBlock,
} from '@minigpt/core';
import { causalAttention, Embedding, LayerNorm, Linear, mergeHeads, splitHeads } from '@minigpt/layers';
import { add, relu, slice, split, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';

export interface LetterModelOptions {
  /** V */
  readonly vocabSize: number;
  /** T: the longest context. */
  readonly blockSize: number;
  /** C: the width of the residual stream. */
  readonly nEmbd: number;
  /** H, which divides C. */
  readonly nHead: number;
  readonly nLayer: number;
  /** What the scores are multiplied by: C^-1/2 as the lesson has it, D^-1/2 as is usual. */
  readonly scale: number;
  /** The pieces, so that a model can be built with some of them. All of them unless told. */
  readonly feedForward?: boolean;
  readonly residual?: boolean;
  readonly norm?: boolean;
  readonly rng: Rng;
}

type Settings = Required<Omit<LetterModelOptions, 'rng'>>;

/**
 * A decoder with learned positions and ReLU, from whatever pieces are asked for. int32 `[B, T]` → float32 `[B, T, V]`.
 *
 * With all pieces: `x = tok[ids] + pos`, then each block, then `ln_f` and the output layer. Weights begin as PyTorch's layers
 * do, which is what the lesson's reference has.
 */
export class LetterModel extends Transformer {
  readonly tok: Embedding;
  readonly pos: Embedding;
  readonly blocks: Block[];
  readonly ln_f?: LayerNorm;
  readonly lm_head: Linear;
  readonly settings: Settings;

  constructor({ rng, ...options }: LetterModelOptions) {
    super();
    const settings: Settings = { feedForward: true, residual: true, norm: true, ...options };
    const { vocabSize, blockSize, nEmbd, nLayer, norm } = settings;
    this.settings = settings;
    this.tok = new Embedding({ numEmbeddings: vocabSize, embeddingDim: nEmbd, rng: rng.fold('tok') });
    this.pos = new Embedding({ numEmbeddings: blockSize, embeddingDim: nEmbd, rng: rng.fold('pos') });
    this.blocks = Array.from({ length: nLayer }, (_, i) => new Block(settings, rng.fold('blocks').fold(i)));
    if (norm) this.ln_f = new LayerNorm({ size: nEmbd });
    this.lm_head = new Linear({ inFeatures: nEmbd, outFeatures: vocabSize, rng: rng.fold('lm_head') });
  }

  get vocabSize(): number {
    return this.settings.vocabSize;
  }

  get blockSize(): number {
    return this.settings.blockSize;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    const first = ctx.cache?.length ?? 0;
    const positions = slice(this.pos.weight as Tensor as Tensor2D, [first, 0], [ids.shape[1], -1]); // [T, C]
    let x = ctx.observe(add(this.tok.call(ids, ctx.at('tok')), positions), 'embedded'); // [B, T, C]
    for (const [i, block] of this.blocks.entries()) x = block.call(x, ctx.at('blocks', i));
    return this.unembed(this.ln_f?.call(x, ctx.at('ln_f')) ?? x, ctx); // [B, T, V]
  }

  override unembed(x: Tensor, ctx: Context): Tensor3D {
    return this.lm_head.call(x, ctx.at('lm_head')) as Tensor3D; // [B, T, V]
  }

  /** Where whoever looks inside finds the parts of the whole model. */
  override get anatomy(): Anatomy {
    const blocks = this.blocks.map(({ anatomy }, i) => ({ ...anatomy, path: `blocks.${i}` }));
    return { embedding: 'embedded', blocks, norm: 'ln_f', unembedding: 'lm_head' };
  }

  override toConfig(): Readonly<Record<string, unknown>> {
    return { model_type: 'letters', ...this.settings };
  }
}

/** `x + attention(ln_1(x))`, then `x + feedForward(ln_2(x))`, or with fewer pieces; `[B, T, C]` → `[B, T, C]`. */
class Block extends TransformerBlock {
  readonly ln_1?: LayerNorm;
  readonly attn: MultiHeadAttention;
  readonly ln_2?: LayerNorm;
  readonly ffwd?: FeedForward;
  readonly residual: boolean;

  constructor(settings: Settings, rng: Rng) {
    super();
    const { nEmbd, feedForward, residual, norm } = settings;
    if (norm) this.ln_1 = new LayerNorm({ size: nEmbd });
    this.attn = new MultiHeadAttention(settings, rng.fold('attn'));
    if (norm && feedForward) this.ln_2 = new LayerNorm({ size: nEmbd });
    if (feedForward) this.ffwd = new FeedForward(nEmbd, rng.fold('ffwd'));
    this.residual = residual;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const communicated = this.attn.call(this.ln_1?.call(x, ctx.at('ln_1')) ?? x, ctx.at('attn'));
    const after = ctx.observe(this.residual ? add(x, communicated) : communicated, 'resid_mid');
    if (this.ffwd === undefined) return after;
    const computed = this.ffwd.call(this.ln_2?.call(after, ctx.at('ln_2')) ?? after, ctx.at('ffwd'));
    return this.residual ? add(after, computed) : computed;
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'attn', projection: 'proj', mlp: 'ffwd' };
  }
}

/** H heads side by side, then a projection; `[B, T, C]` → `[B, T, C]`. A tap sees the weights `[B, H, T, T]` as `attention`. */
export class MultiHeadAttention extends Module {
  /** Queries, keys and values of all heads in one product: `[B, T, C]` → `[B, T, 3 C]`, without biases. */
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly nHead: number;
  readonly scale: number;

  constructor({ nEmbd, nHead, scale }: Pick<Settings, 'nEmbd' | 'nHead' | 'scale'>, rng: Rng) {
    super();
    this.qkv = new Linear({ inFeatures: nEmbd, outFeatures: 3 * nEmbd, bias: false, rng: rng.fold('qkv') });
    this.proj = new Linear({ inFeatures: nEmbd, outFeatures: nEmbd, rng: rng.fold('proj') });
    this.nHead = nHead;
    this.scale = scale;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const [q, k, v] = split(this.qkv.call(x, ctx.at('qkv')), 3, -1).map((part) =>
      splitHeads(part, this.nHead),
    );
    const gathered = causalAttention(q, k, v, ctx, { scale: this.scale }); // [B, H, T, D]
    return this.proj.call(mergeHeads(gathered), ctx.at('proj')); // [B, T, C]
  }
}

/** `W_2 relu(W_1 x)`, each position by itself; `[B, T, C]` → `[B, T, 4 C]` → `[B, T, C]`. */
class FeedForward extends Module {
  readonly expand: Linear;
  readonly contract: Linear;

  constructor(nEmbd: number, rng: Rng) {
    super();
    this.expand = new Linear({ inFeatures: nEmbd, outFeatures: 4 * nEmbd, rng: rng.fold('expand') });
    this.contract = new Linear({ inFeatures: 4 * nEmbd, outFeatures: nEmbd, rng: rng.fold('contract') });
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = ctx.observe(relu(this.expand.call(x, ctx.at('expand'))), 'relu'); // [B, T, 4 C]
    return this.contract.call(hidden, ctx.at('contract')); // [B, T, C]
  }
}
