/** A token and what a model thinks of it. */
export interface RankedToken {
  readonly id: number;
  /** In nats. */
  readonly logProbability: number;
  /** 1 for the likeliest token; equal ones share the better rank. */
  readonly rank: number;
}

/** What a row of logits says about the next token. */
export interface Prediction {
  /** The likeliest tokens, best first; equal ones by id. */
  readonly top: readonly RankedToken[];
  /** Of the whole distribution, in nats. */
  readonly entropy: number;
  /** The token that does follow, where it is known. */
  readonly next?: RankedToken;
}

/**
 * @param logits `[V]`
 * @param topK how many of the likeliest tokens to name
 * @param nextId the token that does follow
 */
export function predictionOf(logits: ArrayLike<number>, topK: number, nextId?: number): Prediction {
  let highest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) highest = Math.max(highest, logits[id]);
  let total = 0; // of exp(logit - highest), in float64
  let weighted = 0; // of the same, times its logit - highest
  for (let id = 0; id < logits.length; id++) {
    const lower = logits[id] - highest;
    const weight = Math.exp(lower);
    total += weight;
    if (weight > 0) weighted += weight * lower;
  }
  const logTotal = Math.log(total);
  const logProbability = (id: number) => logits[id] - highest - logTotal;
  const ids = largest(logits, topK);
  const top = ids.map((id): RankedToken => {
    const rank = 1 + ids.findIndex((other) => logits[other] === logits[id]);
    return { id, logProbability: logProbability(id), rank };
  });
  const entropy = logTotal - weighted / total;
  if (nextId === undefined) return { top, entropy };
  let above = 0;
  for (let id = 0; id < logits.length; id++) if (logits[id] > logits[nextId]) above++;
  return {
    top,
    entropy,
    next: { id: nextId, logProbability: logProbability(nextId), rank: above + 1 },
  };
}

/** The ids of the `count` largest values, largest first. */
function largest(values: ArrayLike<number>, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < values.length; id++) {
    if (ids.length === count && !(values[id] > values[ids[count - 1]])) continue;
    let place = ids.length;
    while (place > 0 && values[id] > values[ids[place - 1]]) place--;
    ids.splice(place, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
