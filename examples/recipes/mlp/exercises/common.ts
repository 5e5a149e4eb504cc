import { parameters, Rng, valueAndGrads } from '@minigpt/core';
import { batches, normalizeNewlines, type TokenStream, tokenize, windows } from '@minigpt/data';
import { readMobyDick, readText } from '@minigpt/data/node';
import { MLPLanguageModel } from '@minigpt/models';
import { crossEntropy } from '@minigpt/ops';
import { createTokenizer, type Tokenizer, trainBpe } from '@minigpt/tokenizers';
import { adamW, evaluate } from '@minigpt/training';
import { dispose, reshape, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { documentsIn } from '../documents.ts';

/** What the exercises train and test on. */
export interface ModelData {
  readonly tokenizer: Tokenizer;
  readonly train: TokenStream;
  readonly test: TokenStream;
}

/** The recipe's data: every tenth document is for testing; the first twenty of the others train the tokenizer. */
export async function selectModelData(file?: string): Promise<ModelData> {
  const documents =
    file === undefined
      ? normalizeNewlines(await readMobyDick()).split(/\n+(?=CHAPTER \d)/)
      : documentsIn(await readText(file), file);
  const train = documents.filter((_, i) => i % 10 !== 0);
  const tokenizer = createTokenizer(await trainBpe(train.slice(0, 20).join('\n'), { vocabSize: 512 }));
  const encoded = (part: readonly string[]) => tokenize(tokenizer, part.join('\n'));
  return { tokenizer, train: encoded(train), test: encoded(documents.filter((_, i) => i % 10 === 0)) };
}

/** Trains the recipe's model, or the given one, and measures it on the whole test part. */
export async function trained(
  { tokenizer, train, test }: ModelData,
  { blockSize = 32, steps, model: given }: { blockSize?: number; steps: number; model?: MLPLanguageModel },
): Promise<{ model: MLPLanguageModel; loss: number }> {
  const { vocabSize } = tokenizer;
  const rng = new Rng(1);
  const model = given ?? new MLPLanguageModel({ vocabSize, blockSize, rng });
  const batch = batches({ tokens: train, blockSize, batchSize: 64, rng: rng.fold('batches') });
  const optimizer = adamW({ parameters: parameters(model) });
  for (let step = 1; step <= steps; step++) {
    const { inputs, targets } = batch(step);
    const last = Int32Array.from({ length: 64 }, (_, row) => targets[(row + 1) * blockSize - 1]!);
    const { value, grads } = valueAndGrads(() => {
      const logits = model.call(tensor2d(inputs, [64, blockSize], 'int32')); // [B, 1, V]
      return crossEntropy(reshape(logits, [64, vocabSize]), tensor1d(last, 'int32'));
    }, parameters(model));
    optimizer.step(grads, 1e-3);
    dispose([value, ...grads.values()]);
  }
  optimizer.dispose();
  const heldOut = windows({ tokens: test, blockSize, batchSize: 64, overlap: blockSize - 1 });
  return { model, loss: (await evaluate({ model, batches: heldOut })).loss };
}
