import type { TokenSequence } from './token-sequence.ts';

export interface CountedLoss {
  /** Of guessing by how frequent each token is, nats per token. */
  readonly tokens: number;
  /** Of guessing by how frequently each token follows the one before, nats per token. */
  readonly pairs: number;
}

const BLOCK = 2 ** 16;
/** Pairs are counted in so many tokens at most: some 100 MB. */
const MAX_COUNTED = 2 ** 22;

/**
 * What counting gives without any learning, as a baseline for models: the mean loss of the held-out tokens, but the first, by a
 * table of single tokens (each counted once more than it came) and by a table of pairs. Pairs are smoothed by the single ones as
 * Witten and Bell do (1991): a token after which many different ones came will be followed by yet others.
 */
export function countedLoss(train: TokenSequence, heldOut: TokenSequence, vocabSize: number): CountedLoss {
  const counted = Math.min(train.length, MAX_COUNTED);
  const singles = new Float64Array(vocabSize); // [V]
  const followers = new Float64Array(vocabSize); // [V], how many different ones
  const firsts = new Float64Array(vocabSize); // [V], how often a token is the first of a pair
  const pairs = new Map<number, number>();
  let before: number | undefined;
  for (let start = 0; start < counted; start += BLOCK) {
    for (const id of Array.from(train.subarray(start, Math.min(start + BLOCK, counted)))) {
      singles[id]!++;
      if (before !== undefined) {
        const pair = before * vocabSize + id;
        const count = pairs.get(pair) ?? 0;
        if (count === 0) followers[before]!++;
        firsts[before]!++;
        pairs.set(pair, count + 1);
      }
      before = id;
    }
  }

  const single = (id: number) => (singles[id]! + 1) / (counted + vocabSize);
  const nats = { tokens: 0, pairs: 0 };
  const ids = heldOut.subarray(0, heldOut.length);
  for (let i = 1; i < ids.length; i++) {
    const [first, second] = [ids[i - 1]!, ids[i]!];
    const count = pairs.get(first * vocabSize + second) ?? 0;
    const others = followers[first]!;
    nats.tokens -= Math.log(single(second));
    nats.pairs -= Math.log(
      others === 0 ? single(second) : (count + others * single(second)) / (firsts[first]! + others),
    );
  }
  return { tokens: nats.tokens / (ids.length - 1), pairs: nats.pairs / (ids.length - 1) };
}
