import { type Context, LanguageModel, type Rng } from '@minigpt/core';
import { Embedding, Linear } from '@minigpt/layers';
import {
  concat,
  pad,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tanh,
} from '@tensorflow/tfjs-core';
import { type Config, positiveInteger } from './config.ts';

export interface MLPLanguageModelOptions {
  readonly vocabSize: number;
  /** T: how many tokens the next one is predicted from. */
  readonly blockSize?: number;
  readonly nEmbd?: number;
  readonly nHidden?: number;
  readonly rng: Rng;
}

/**
 * The neural probabilistic language model of Bengio, Ducharme, Vincent and Jauvin 2003: the embeddings of the last
 * `blockSize` tokens side by side, one tanh layer, and logits.
 *
 * It answers only where it has a full window: ids `[B, T]` give logits `[B, T - blockSize + 1, V]`, those of the last
 * positions. A shorter prompt is filled up in front with token 0 and gives one.
 */
export class MLPLanguageModel extends LanguageModel {
  readonly wte: Embedding;
  readonly hidden: Linear;
  readonly output: Linear;
  readonly vocabSize: number;
  readonly blockSize: number;
  readonly nEmbd: number;
  readonly nHidden: number;

  constructor({ vocabSize, blockSize = 32, nEmbd = 64, nHidden = 512, rng }: MLPLanguageModelOptions) {
    super();
    this.wte = new Embedding({ numEmbeddings: vocabSize, embeddingDim: nEmbd, rng: rng.fold('wte') });
    this.hidden = new Linear({
      inFeatures: blockSize * nEmbd,
      outFeatures: nHidden,
      rng: rng.fold('hidden'),
    });
    this.output = new Linear({ inFeatures: nHidden, outFeatures: vocabSize, rng: rng.fold('output') });
    this.vocabSize = vocabSize;
    this.blockSize = blockSize;
    this.nEmbd = nEmbd;
    this.nHidden = nHidden;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    const embedded = this.wte.call(this.#fillUp(ids), ctx.at('wte')); // [B, T, C]
    const windows = this.#windows(embedded); // [B, T', blockSize · C]
    const hidden = tanh(this.hidden.call(windows, ctx.at('hidden'))); // [B, T', nHidden]
    return this.output.call(ctx.observe(hidden, 'tanh'), ctx.at('output')) as Tensor3D; // [B, T', V]
  }

  #fillUp(ids: Tensor2D): Tensor2D {
    const lacking = this.blockSize - ids.shape[1];
    return lacking > 0
      ? pad(ids, [
          [0, 0],
          [lacking, 0],
        ])
      : ids;
  }

  /** `[B, T, C]` → `[B, T', blockSize · C]`: row t holds the embeddings of `blockSize` tokens, the oldest first. */
  #windows(embedded: Tensor): Tensor {
    const [b, t, c] = embedded.shape;
    const count = t - this.blockSize + 1;
    if (count === 1) return reshape(embedded, [b, 1, t * c]);
    const shifted = Array.from({ length: this.blockSize }, (_, i) =>
      slice(embedded, [0, i, 0], [b, count, c]),
    );
    return concat(shifted, -1);
  }

  override toConfig(): Config {
    return {
      model_type: 'mlp',
      vocab_size: this.vocabSize,
      block_size: this.blockSize,
      n_embd: this.nEmbd,
      n_hidden: this.nHidden,
    };
  }

  /** @throws ConfigError */
  static fromConfig(config: Config, rng: Rng): MLPLanguageModel {
    return new MLPLanguageModel({
      vocabSize: positiveInteger(config, 'vocab_size'),
      blockSize: positiveInteger(config, 'block_size'),
      nEmbd: positiveInteger(config, 'n_embd'),
      nHidden: positiveInteger(config, 'n_hidden'),
      rng,
    });
  }
}
