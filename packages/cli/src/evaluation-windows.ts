import type { LanguageModel, TokenBatch } from '@minigpt/core';
import { type TokenStream, windows } from '@minigpt/data';
import { MLPLanguageModel } from '@minigpt/models';

/**
 * What a model is measured on: consecutive windows of its context. One that answers only where it has a full window gets
 * longer ones that overlap, so that it too predicts every token after its first context.
 */
export function evaluationWindows(
  model: LanguageModel,
  tokens: TokenStream,
  batchSize: number,
): Iterable<TokenBatch> {
  const { blockSize } = model;
  if (!(model instanceof MLPLanguageModel)) return windows({ tokens, blockSize, batchSize });
  return windows({ tokens, blockSize: 4 * blockSize, batchSize, overlap: blockSize - 1 });
}
