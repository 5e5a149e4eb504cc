import type { LanguageModel } from '@minigpt/core';
import { slice, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { PromptError } from './errors.ts';

/**
 * The logits of the token after `ids`, on the host. Of more ids than the model takes, the last `model.blockSize` count.
 * Only this row is read back from the device, in one wait.
 *
 * @returns float32 `[V]`
 * @throws PromptError where the model needs more ids before it can answer
 */
export async function nextTokenLogits(model: LanguageModel, ids: readonly number[]): Promise<Float32Array> {
  const row = tidy(() => {
    const context = ids.slice(-model.blockSize);
    const logits = model.call(tensor2d([context], undefined, 'int32')); // [1, T', V]
    const [, positions, vocabSize] = logits.shape;
    if (positions === 0) {
      throw new PromptError(
        ids.length,
        `The model cannot answer after ${ids.length} tokens; give a longer prompt.`,
      );
    }
    return slice(logits, [0, positions - 1, 0], [1, 1, vocabSize]); // [1, 1, V]
  });
  try {
    return await row.data<'float32'>();
  } finally {
    row.dispose();
  }
}
