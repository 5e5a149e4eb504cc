import { ConfigError, type HostTensor, type LanguageModel, Rng } from '@minigpt/core';
import { attentionMaps } from './attention-maps.ts';

/**
 * How much a head attends to the token before: the mean weight from position t to t - 1.
 *
 * @param map attention weights `[T, T]`
 */
export function previousTokenScore(map: HostTensor): number {
  return meanWeight(map, (t) => (t === 0 ? [] : [t - 1]));
}

/**
 * How much a head attends to earlier occurrences of the token that it stands on: the mean of the weight that goes there, over
 * the positions that have any (Wang et al. 2022, "Interpretability in the wild").
 *
 * @param map attention weights `[T, T]`
 * @param ids the text, `[T]`
 */
export function duplicateTokenScore(map: HostTensor, ids: ArrayLike<number>): number {
  return meanWeight(map, (t) => earlier(ids, t));
}

/**
 * How much a head attends to what followed earlier occurrences of the token that it stands on: the prefix-matching score of
 * Olsson et al. 2022, "In-context learning and induction heads", the mean over the positions that have any.
 *
 * @param map attention weights `[T, T]`
 * @param ids the text, `[T]`
 */
export function inductionScore(map: HostTensor, ids: ArrayLike<number>): number {
  return meanWeight(map, (t) =>
    earlier(ids, t)
      .map((s) => s + 1)
      .filter((s) => s < t),
  );
}

function earlier(ids: ArrayLike<number>, t: number): number[] {
  return Array.from({ length: t }, (_, s) => s).filter((s) => ids[s] === ids[t]);
}

/** The mean, over the positions that have any targets, of the weight that goes to these; NaN where none has. */
function meanWeight(
  { shape: [length], data }: HostTensor,
  targetsOf: (t: number) => readonly number[],
): number {
  let total = 0;
  let positions = 0;
  for (let t = 0; t < length; t++) {
    const targets = targetsOf(t);
    if (targets.length === 0) continue;
    positions++;
    for (const s of targets) total += data[t * length + s];
  }
  return total / positions;
}

export interface HeadScoresOptions {
  /** How many random tokens make the sequence that is repeated; as many as fit up to 25 unless told. */
  readonly period?: number;
  /** How often they come. */
  readonly repeats?: number;
  /** The token that texts begin with, if the model was trained to see one. */
  readonly bosId?: number;
  readonly rng?: Rng;
}

/** Scores in 0…1 of every head, `[L][H]`, and the text they were measured on. */
export interface HeadScores {
  readonly ids: Int32Array;
  readonly previousToken: readonly (readonly number[])[];
  readonly duplicateToken: readonly (readonly number[])[];
  readonly induction: readonly (readonly number[])[];
}

/**
 * Looks for heads of known kinds on a sequence of random tokens that is repeated, 4 times 25 as in Olsson et al. 2022, so that
 * nothing but the repetition can be attended to; no token comes twice in the sequence if the vocabulary is large enough.
 *
 * @throws ConfigError if the text would be longer than the model takes, or repeats nothing
 * @throws NotATransformerError
 */
export async function headScores(model: LanguageModel, options: HeadScoresOptions = {}): Promise<HeadScores> {
  const { repeats = 4, bosId, rng = new Rng(0) } = options;
  const begin = bosId === undefined ? [] : [bosId];
  const { period = Math.min(25, Math.floor((model.blockSize - begin.length) / repeats)) } = options;
  const length = begin.length + period * repeats;
  if (!(period >= 2 && repeats >= 2 && length <= model.blockSize)) {
    throw new ConfigError(
      'period',
      `At least 2 tokens must be repeated at least twice within the ${model.blockSize} that the model takes, but ${repeats} times ${period} came; choose others.`,
    );
  }
  const sequence = distinct(period, model.vocabSize, new Set(begin), rng);
  const ids = Int32Array.from([...begin, ...Array.from({ length: repeats }, () => sequence).flat()]);
  const maps = await attentionMaps(model, ids);
  const scores = (score: (map: HostTensor) => number) => maps.map((heads) => heads.map(score));
  return {
    ids,
    previousToken: scores(previousTokenScore),
    duplicateToken: scores((map) => duplicateTokenScore(map, ids)),
    induction: scores((map) => inductionScore(map, ids)),
  };
}

/** Random ids other than those `taken`, none of which comes twice while there are others. */
function distinct(count: number, vocabSize: number, taken: Set<number>, rng: Rng): number[] {
  const ids: number[] = [];
  for (let i = 0; ids.length < count; i++) {
    const [id] = rng.fold(i).integers(1, vocabSize);
    if (taken.has(id) && taken.size < vocabSize) continue;
    taken.add(id);
    ids.push(id);
  }
  return ids;
}
