import { type LanguageModel, toHost } from '@minigpt/core';
import { tidy } from '@tensorflow/tfjs-core';
import { InspectionError } from './errors.ts';
import { type Prediction, predictionOf, type RankedToken } from './prediction.ts';
import { idTensor } from './token-ids.ts';

export interface TokenLoss extends Prediction {
  /** The index of the token in the text; the prediction is made from those before it. */
  readonly position: number;
  /** The token that came. */
  readonly next: RankedToken;
  /** `-log p` of it, in nats. */
  readonly loss: number;
}

export interface TokenLossesOptions {
  /** How many of the likeliest tokens to name at each position. */
  readonly topK?: number;
}

/**
 * How well each token of a text is foreseen: its loss, its rank, and what was thought likelier. Their mean is what
 * `crossEntropy` gives for the text.
 *
 * @param ids one text; no model is told of the first token beforehand, so that is not measured, nor are others before the model
 *   has what it answers from
 * @throws InspectionError if there are fewer than two tokens
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function tokenLosses(
  model: LanguageModel,
  ids: ArrayLike<number>,
  { topK = 5 }: TokenLossesOptions = {},
): Promise<TokenLoss[]> {
  if (ids.length < 2) {
    throw new InspectionError(
      `A text needs at least 2 tokens, since each is predicted from those before, but ${ids.length} came.`,
    );
  }
  const read = Array.from(ids).slice(0, -1);
  const logits = tidy(() => model.call(idTensor(read, model.vocabSize)));
  const [, answered, v] = logits.shape; // [1, T', V]
  const { data } = await toHost(logits);
  logits.dispose();
  return Array.from({ length: answered }, (_, i) => {
    const position = ids.length - answered + i;
    const row = data.subarray(i * v, (i + 1) * v);
    const prediction = predictionOf(row, topK, ids[position]) as Prediction & { readonly next: RankedToken };
    return { position, loss: -prediction.next.logProbability, ...prediction };
  });
}
