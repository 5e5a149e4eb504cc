import { Module, parameter, type Rng } from '@minigpt/core';
import { embedding } from '@minigpt/ops';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { type Initializer, normal } from './initializers.ts';

export interface EmbeddingOptions {
  /** V: the number of rows. */
  readonly numEmbeddings: number;
  /** C: the width of a row. */
  readonly embeddingDim: number;
  /** Default N(0, 1), PyTorch's. */
  readonly weightInit?: Initializer;
  readonly rng: Rng;
}

/** A row of a table for each id; int32 `[...]` → float32 `[..., embeddingDim]`. Weight `[numEmbeddings, embeddingDim]`. */
export class Embedding extends Module {
  readonly weight: Variable;

  constructor({ numEmbeddings, embeddingDim, weightInit = normal(1), rng }: EmbeddingOptions) {
    super();
    this.weight = parameter(weightInit([numEmbeddings, embeddingDim], rng.fold('weight')));
  }

  protected override forward(ids: Tensor): Tensor {
    return embedding(ids, this.weight as Tensor as Tensor2D);
  }
}
