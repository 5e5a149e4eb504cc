import { Context, type LanguageModel, toHost } from '@minigpt/core';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { asTransformer, layerPaths, moduleAt } from './anatomy.ts';
import { type Prediction, predictionOf } from './prediction.ts';
import { record } from './tap.ts';
import { idTensor } from './token-ids.ts';

export interface LogitLensOptions {
  /** How many of the likeliest tokens to name in each place. */
  readonly topK?: number;
}

/** What one place of the residual stream would predict. */
export interface LensLayer {
  /** The path of the residual stream: that of the embeddings, or of a layer. */
  readonly path: string;
  /** One for each token of the text; `next` is that which follows, which the last one lacks. */
  readonly predictions: readonly Prediction[];
}

/**
 * The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"): the residual stream, before the first layer and
 * after each, goes through the model's own final norm and output layer, soft cap included, as if the layers after it were not
 * there. The last entry is what the model says.
 *
 * @throws NotATransformerError
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function logitLens(
  model: LanguageModel,
  ids: ArrayLike<number>,
  { topK = 5 }: LogitLensOptions = {},
): Promise<LensLayer[]> {
  const transformer = asTransformer(model, 'logitLens');
  const layers = layerPaths(model);
  const paths = [
    ...layers.map(({ residPre }) => residPre),
    ...layers.slice(-1).map(({ residPost }) => residPost),
  ];
  const norm = moduleAt(transformer, transformer.anatomy.norm);
  const ctx = Context.evaluation();
  const recording = record(ctx, paths);
  try {
    tidy(() => void model.call(idTensor([ids], model.vocabSize), recording.ctx));
    const lens: LensLayer[] = [];
    for (const path of paths) {
      const stream = recording.tensors.get(path) as Tensor; // [1, T, C]
      const logits = tidy(() => transformer.unembed(norm.call(stream, ctx), ctx)); // [1, T, V]
      const { data } = await toHost(logits);
      logits.dispose();
      const predictions = Array.from(ids, (_, t) =>
        predictionOf(data.subarray(t * model.vocabSize, (t + 1) * model.vocabSize), topK, ids[t + 1]),
      );
      lens.push({ path, predictions });
    }
    return lens;
  } finally {
    recording.dispose();
  }
}
