/**
 * Exercise 2: direct connections from the vectors to the logits, as in the paper: `logits = W_2 h + b_2 + W_3 e`.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/mlp/exercises/2-direct.ts [FILE] [STEPS]
 *
 * The paper found that they speed learning up and, with a small hidden layer, hardly help in the end. Here, where the context is
 * 32 tokens and not 5, they add a million parameters that have to be learnt as well. TinyStories after 300 steps: 4.379 without,
 * 4.579 with them.
 */
import { selectBackend } from '@minigpt/backends';
import { type Context, Rng } from '@minigpt/core';
import { Linear } from '@minigpt/layers';
import { MLPLanguageModel, type MLPLanguageModelOptions } from '@minigpt/models';
import { add, reshape, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { selectModelData, trained } from './common.ts';

/** The model with one more matrix beside its hidden layer. It answers for whole contexts only: ids `[B, blockSize]`. */
class Direct extends MLPLanguageModel {
  readonly direct: Linear;

  constructor(options: MLPLanguageModelOptions) {
    super(options);
    const inFeatures = this.blockSize * this.nEmbd;
    this.direct = new Linear({
      inFeatures,
      outFeatures: this.vocabSize,
      bias: false,
      rng: options.rng.fold('direct'),
    });
  }

  protected override forward(ids: Tensor2D, ctx: Context): Tensor3D {
    const embedded = this.wte.call(ids, ctx.at('wte')); // [B, T, C]
    const shortcut = this.direct.call(reshape(embedded, [ids.shape[0], 1, -1]), ctx.at('direct')); // [B, 1, V]
    return add(super.forward(ids, ctx), shortcut);
  }
}

await selectBackend();
const data = await selectModelData(process.argv[2]);
const steps = Number(process.argv[3] ?? 1_000);
const { vocabSize } = data.tokenizer;
const direct = new Direct({ vocabSize, rng: new Rng(1) });
console.log(`without: ${(await trained(data, { steps })).loss.toFixed(3)}`);
console.log(`with:    ${(await trained(data, { steps, model: direct })).loss.toFixed(3)}`);
