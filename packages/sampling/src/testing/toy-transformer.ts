import { type Context, LanguageModel, type Module, type Rng, ShapeError } from '@minigpt/core';
import {
  CausalSelfAttention,
  Embedding,
  GroupedQueryAttention,
  Linear,
  normal,
  RMSNorm,
  RotaryEmbedding,
} from '@minigpt/layers';
import { add, slice, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';

export interface ToyTransformerOptions {
  readonly vocabSize?: number;
  readonly blockSize?: number;
  /** Learned positions as GPT-2's, or rotary ones with grouped queries as Llama's. */
  readonly positions?: 'learned' | 'rotary';
  /** The windows of its layers. */
  readonly windows?: readonly (number | undefined)[];
  readonly rng: Rng;
}

/** Layers of attention alone, with a cache, padding and the last logits only as the published families have them. */
export class ToyTransformer extends LanguageModel {
  override readonly supportsCache = true;
  readonly vocabSize: number;
  readonly blockSize: number;
  readonly wte: Embedding;
  readonly wpe?: Embedding;
  readonly norms: RMSNorm[];
  readonly layers: Module[];
  readonly head: Linear;
  /** The shapes of the ids that came. */
  readonly calls: (readonly [rows: number, count: number])[] = [];

  constructor({
    vocabSize = 11,
    blockSize = 16,
    positions = 'learned',
    windows = [undefined, undefined],
    rng,
  }: ToyTransformerOptions) {
    super();
    this.vocabSize = vocabSize;
    this.blockSize = blockSize;
    const width = 8;
    const weightInit = normal(0.5);
    const embedding = (name: string, numEmbeddings: number) =>
      new Embedding({ numEmbeddings, embeddingDim: width, weightInit, rng: rng.fold(name) });
    this.wte = embedding('wte', vocabSize);
    if (positions === 'learned') this.wpe = embedding('wpe', blockSize);
    const rotary = new RotaryEmbedding({ rotaryDim: 4, theta: 100, maxLength: blockSize });
    this.norms = windows.map(() => new RMSNorm({ size: width }));
    this.layers = windows.map((window, i) => {
      const key = rng.fold('layers').fold(i);
      return positions === 'learned'
        ? new CausalSelfAttention({ nEmbd: width, nHead: 2, weightInit, rng: key })
        : new GroupedQueryAttention({
            hiddenSize: width,
            numHeads: 2,
            numKeyValueHeads: 1,
            rotary,
            window,
            weightInit,
            rng: key,
          });
    });
    this.head = new Linear({
      inFeatures: width,
      outFeatures: vocabSize,
      weightInit,
      rng: rng.fold('head'),
    });
  }

  override toConfig() {
    return { model_type: 'toy_transformer' };
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    const [b, t] = ids.shape;
    this.calls.push([b, t]);
    let x = this.wte.call(ids, ctx.at('wte')); // [B, T, C]
    if (this.wpe !== undefined) {
      const positions = ctx.ofColumns(() => {
        const { data } = ctx.positions(t);
        if (Math.max(...data) >= this.blockSize) throw new ShapeError('The ids', 'fewer', ids.shape);
        return ctx.positions(t);
      });
      x = add(x, this.wpe.call(positions, ctx.at('wpe')));
    }
    for (const [i, layer] of this.layers.entries())
      x = add(x, layer.call(this.norms[i].call(x, ctx), ctx.at('layers', i)));
    if (ctx.lastLogitsOnly) x = slice(x, [0, t - 1, 0], [b, 1, -1]);
    return this.head.call(x, ctx.at('head')) as Tensor3D; // [B, T', V]
  }
}
