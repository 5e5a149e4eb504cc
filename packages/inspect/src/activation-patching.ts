import { Context, fromHost, type HostTensor, type LanguageModel, toHost } from '@minigpt/core';
import { add, mul, sub, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { layerPaths } from './anatomy.ts';
import { InspectionError } from './errors.ts';
import { type Edits, editing } from './patch.ts';
import { predictionOf } from './prediction.ts';
import { tap } from './tap.ts';
import { idTensor } from './token-ids.ts';

/** A number that says how much the model does what is studied, from the logits `[V]` of the last position. */
export type PatchingMetric = (logits: Float32Array) => number;

/** By how much the logit of one token is above another's: the metric of choice (Zhang & Nanda 2024). */
export function logitDifference(target: number, against: number): PatchingMetric {
  return (logits) => logits[target] - logits[against];
}

/** The log-probability of a token, in nats. */
export function logProbability(target: number): PatchingMetric {
  return (logits) => predictionOf(logits, 0, target).next!.logProbability;
}

/**
 * What is patched: the residual stream before each layer, what its attention or its MLP adds, each at one position at a time;
 * or what one head gathered, at all positions.
 */
export type PatchingSite = 'residual' | 'attention' | 'mlp' | 'heads';

export interface ActivationPatchingOptions {
  /** The prompt whose activations are put in. */
  readonly clean: ArrayLike<number>;
  /** The prompt that is run with them; of the same length, and differing only in what is studied. */
  readonly corrupted: ArrayLike<number>;
  readonly metric: PatchingMetric;
  readonly site?: PatchingSite;
  /** How many patched passes to make side by side. */
  readonly batchSize?: number;
}

export interface PatchingResult {
  readonly site: PatchingSite;
  /** The metric of the patched passes: `[L][T]`, or `[L][H]` for heads. */
  readonly values: readonly (readonly number[])[];
  /** Of the two prompts, unpatched. */
  readonly clean: number;
  readonly corrupted: number;
  /** `(value - corrupted) / (clean - corrupted)`: 1 where the patch brings back all, 0 where nothing. */
  readonly recovered: readonly (readonly number[])[];
}

/**
 * Activation patching, or causal tracing (Meng et al. 2022, "Locating and editing factual associations in GPT"; Wang et al.
 * 2022, "Interpretability in the wild"; Zhang & Nanda 2024, "Towards best practices of activation patching"): runs the corrupted
 * prompt with one activation taken from the clean one, for each place in turn. Where that brings the clean answer back, the
 * place carries what the prompts differ in. Swap the two prompts to look for what the clean answer needs.
 *
 * @throws NotATransformerError
 * @throws InspectionError if the prompts differ in length, or the metric does not tell them apart
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function activationPatching(
  model: LanguageModel,
  options: ActivationPatchingOptions,
): Promise<PatchingResult> {
  const { clean, corrupted, metric, site = 'residual', batchSize = 16 } = options;
  if (clean.length !== corrupted.length) {
    throw new InspectionError(
      `Both prompts must have the same length, so that positions correspond, but the clean one has ${clean.length} tokens and the corrupted one ${corrupted.length}; choose words of as many tokens.`,
    );
  }
  const paths = layerPaths(model).map((layer) => {
    const { residPre: residual, attnOut: attention, mlpOut: mlp, z: heads } = layer;
    return { residual, attention, mlp, heads }[site];
  });
  const seen = await tap(model, [clean], paths);
  const [ofClean] = await measure(model, [clean], metric);
  const [ofCorrupted] = await measure(model, [corrupted], metric);
  if (ofClean === ofCorrupted) {
    throw new InspectionError(
      `The metric must tell the prompts apart, but it is ${ofClean} for both; choose prompts or a metric that differ.`,
    );
  }
  const values: number[][] = [];
  for (const path of paths) {
    const from = seen.get(path) as HostTensor; // [1, T, C], or [1, H, T, D]
    const row: number[] = [];
    for (let first = 0; first < from.shape[1]; first += batchSize) {
      const places = Array.from({ length: Math.min(batchSize, from.shape[1] - first) }, (_, i) => first + i);
      const texts = places.map(() => corrupted);
      const edits: Edits = { [path]: (activation) => withPlaces(activation, from, places) };
      row.push(...(await measure(model, texts, metric, edits)));
    }
    values.push(row);
  }
  const recovered = values.map((row) => row.map((value) => (value - ofCorrupted) / (ofClean - ofCorrupted)));
  return { site, values, clean: ofClean, corrupted: ofCorrupted, recovered };
}

/** Row i of the batch with place `places[i]` of its second axis taken from another prompt. */
function withPlaces(activation: Tensor, from: HostTensor, places: readonly number[]): Tensor {
  const [, count, ...rest] = activation.shape;
  const taken = Float32Array.from({ length: places.length * count }, (_, i) =>
    i % count === places[Math.floor(i / count)] ? 1 : 0,
  );
  const mask = tensor(taken, [places.length, count, ...rest.map(() => 1)]);
  return add(mul(activation, sub(1, mask)), mul(fromHost(from), mask));
}

/** The metric of each text. */
async function measure(
  model: LanguageModel,
  texts: readonly ArrayLike<number>[],
  metric: PatchingMetric,
  edits: Edits = {},
): Promise<number[]> {
  const ctx = editing(Context.evaluation({ lastLogitsOnly: true }), edits);
  const logits = tidy(() => model.call(idTensor(texts, model.vocabSize), ctx)); // [B, 1, V]
  const { data } = await toHost(logits);
  logits.dispose();
  const v = model.vocabSize;
  return texts.map((_, row) => metric((data as Float32Array).subarray(row * v, (row + 1) * v)));
}
