import { type Context, LanguageModel, type Rng } from '@minigpt/core';
import { Embedding } from '@minigpt/layers';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { type Config, positiveInteger } from './config.ts';

export interface BigramOptions {
  readonly vocabSize: number;
  /** T: how many positions one pass takes; each looks at its own token only. */
  readonly blockSize?: number;
  readonly rng: Rng;
}

/**
 * The smallest language model: a table `[V, V]` whose row `i` holds the logits of what follows token `i`. Trained well, its
 * softmax is the table of counted pairs.
 */
export class Bigram extends LanguageModel {
  readonly wte: Embedding;
  readonly vocabSize: number;
  readonly blockSize: number;

  constructor({ vocabSize, blockSize = 8, rng }: BigramOptions) {
    super();
    this.wte = new Embedding({ numEmbeddings: vocabSize, embeddingDim: vocabSize, rng: rng.fold('wte') });
    this.vocabSize = vocabSize;
    this.blockSize = blockSize;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    return this.wte.call(ids, ctx.at('wte')) as Tensor3D; // [B, T, V]
  }

  override toConfig(): Config {
    return { model_type: 'bigram', vocab_size: this.vocabSize, block_size: this.blockSize };
  }

  /** @throws ConfigError */
  static fromConfig(config: Config, rng: Rng): Bigram {
    const vocabSize = positiveInteger(config, 'vocab_size');
    return new Bigram({ vocabSize, blockSize: positiveInteger(config, 'block_size'), rng });
  }
}
