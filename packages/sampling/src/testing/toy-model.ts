import { type Context, LanguageModel, parameter, Rng } from '@minigpt/core';
import {
  gather,
  matMul,
  reshape,
  slice,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  type Variable,
} from '@tensorflow/tfjs-core';

/** logits[t] = Σ_{s ≤ t} 2^(s - t) table[ids[s]]: the whole context counts, and the last token most. */
export class ToyModel extends LanguageModel {
  readonly table: Variable;
  readonly vocabSize: number;
  readonly blockSize: number;
  /** Answers from this position on; before it, a full window has not been seen. */
  readonly window: number;
  /** The lengths that were asked for. */
  readonly calls: number[] = [];

  constructor({ vocabSize = 20, blockSize = 8, window = 1, table = randomTable(vocabSize) } = {}) {
    super();
    this.table = parameter(tensor2d(table, [vocabSize, vocabSize]));
    this.vocabSize = vocabSize;
    this.blockSize = blockSize;
    this.window = window;
  }

  override toConfig() {
    return { model_type: 'toy', vocab_size: this.vocabSize };
  }

  protected override forward(ids: Tensor2D, _: Context): Tensor3D {
    const [, length] = ids.shape;
    if (length > this.blockSize) throw new RangeError(`${length} ids came, more than ${this.blockSize}.`);
    this.calls.push(length);
    const decay = Array.from({ length }, (_, t) =>
      Array.from({ length }, (_, s) => (s > t ? 0 : 2 ** (s - t))),
    );
    const rows = gather(this.table, reshape(ids, [length])); // [T, V]
    const logits = matMul(tensor2d(decay, [length, length]), rows); // [T, V]
    const answers = Math.max(0, length - this.window + 1);
    return reshape(slice(logits, [length - answers, 0]), [1, answers, this.vocabSize]); // [1, T', V]
  }
}

function randomTable(vocabSize: number): Float32Array {
  return new Rng(1).fold('table').normal(vocabSize * vocabSize);
}
