import { type Context, LanguageModel, parameter, Rng } from '@minigpt/core';
import { dropout, embedding, linear } from '@minigpt/ops';
import {
  slice,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
  type Variable,
} from '@tensorflow/tfjs-core';

/** An embedding and a projection, with dropout between: enough of a model to be trained. */
export class TinyModel extends LanguageModel {
  readonly wte: Variable;
  readonly head: Variable;
  readonly bias: Variable;
  readonly vocabSize: number;
  readonly blockSize = 4;
  readonly dropout: number;
  /** T': how many of the last positions get logits. */
  readonly answered: number | undefined;

  constructor({
    vocabSize = 7,
    width = 5,
    dropout = 0,
    answered,
  }: {
    readonly vocabSize?: number;
    readonly width?: number;
    readonly dropout?: number;
    readonly answered?: number;
  } = {}) {
    super();
    const rng = new Rng(5);
    const normal = (name: string, shape: number[], size: number) =>
      parameter(tensor(rng.fold(name).normal(size), shape));
    this.wte = normal('wte', [vocabSize, width], vocabSize * width);
    this.head = normal('head', [vocabSize, width], vocabSize * width);
    this.bias = normal('bias', [vocabSize], vocabSize);
    this.vocabSize = vocabSize;
    this.dropout = dropout;
    this.answered = answered;
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    let x = embedding(ids, this.wte as unknown as Tensor2D); // [B, T, C]
    if (ctx.training && this.dropout > 0) x = dropout(x, this.dropout, ctx.at('dropout').rng);
    const logits = linear(x, this.head as unknown as Tensor2D, this.bias as unknown as Tensor1D); // [B, T, V]
    const [rows, length, vocabSize] = logits.shape;
    const count = this.answered ?? length;
    return slice(logits, [0, length - count, 0], [rows, count, vocabSize]) as Tensor3D; // [B, T', V]
  }

  override toConfig() {
    return { model_type: 'tiny', vocab_size: this.vocabSize };
  }
}
