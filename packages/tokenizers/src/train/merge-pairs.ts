import { MergeQueue, type TieRule } from './merge-queue.ts';
import { MergeState } from './merge-state.ts';
import type { WeightedWords } from './weighted-words.ts';

export interface MergePairsOptions {
  /** The alphabet: what the symbols of the words stand for. Its length is the first new token's id. */
  readonly alphabet: readonly string[];
  /** Stop at this many tokens, the alphabet included. */
  readonly vocabSize: number;
  /** Stop where the most frequent pair occurs less often. */
  readonly minFrequency: number;
  readonly tieRule: TieRule;
  /** The token that a pair becomes; by default their concatenation. */
  readonly join?: (left: string, right: string) => string;
}

export interface MergedPairs {
  /** The alphabet, then the tokens made, in order. */
  readonly tokens: string[];
  /** Ids of the pairs merged, in order. */
  readonly merges: (readonly [left: number, right: number])[];
}

/**
 * Byte-pair encoding's training loop (Gage 1994; Sennrich, Haddow and Birch 2016): again and again, the most frequent
 * pair of neighbours in the weighted words becomes one token.
 *
 * Counting starts once; each merge then visits only the words that hold its pair and corrects the counts of the
 * neighbours. Time is O(total symbols + merges × words that hold the pair), not O(merges × corpus).
 *
 * A generator, so that the caller may report progress or stop: it yields the number of tokens after each merge.
 * `words.symbols` is overwritten.
 */
export function* mergePairs(
  words: WeightedWords,
  options: MergePairsOptions,
): Generator<number, MergedPairs, void> {
  const { alphabet, vocabSize, minFrequency, tieRule, join = (left, right) => left + right } = options;
  const tokens = [...alphabet];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const merges: (readonly [number, number])[] = [];
  const state = new MergeState(words);
  const queue = new MergeQueue(tieRule, tokens, state);
  for (let pair = 0; pair < state.pairs.size; pair++) queue.push(pair);

  while (tokens.length < vocabSize) {
    const pair = queue.pop();
    if (pair < 0 || state.count[pair]! < minFrequency) break;
    const left = state.pairs.left[pair]!;
    const right = state.pairs.right[pair]!;
    const token = join(tokens[left]!, tokens[right]!);
    // Two different pairs can make the same string; a vocabulary holds it once.
    let id = idOf.get(token);
    if (id === undefined) {
      id = tokens.length;
      tokens.push(token);
      idOf.set(token, id);
    }
    merges.push([left, right]);
    for (const changed of state.merge(pair, id)) queue.push(changed);
    yield tokens.length;
  }
  return { tokens, merges };
}
