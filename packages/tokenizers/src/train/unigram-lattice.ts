import { grown } from './grown.ts';
import { PairTable } from './pair-table.ts';
import type { WeightedWords } from './weighted-words.ts';

/** Longest piece, in characters (SentencePiece's `max_sentencepiece_length`). */
const MAX_PIECE_LENGTH = 16;

/**
 * Every way to cut the distinct words of a corpus into candidate pieces. Positions number the characters of all words,
 * one word after another; an edge is a piece that begins at a position.
 */
export class UnigramLattice {
  /** Where a piece first stands, its length in characters, how often it occurs; single characters come first. */
  readonly firstPosition: Int32Array;
  readonly length: Int32Array;
  readonly occurrences: Float64Array;
  /** Pieces 0 … characters - 1 are the single characters: piece c is symbol c. */
  readonly characters: number;
  /** Characters of the corpus, weighted by their words' counts. */
  readonly totalCharacters: number;
  /** The edges that begin at position p are `edges[edgeStarts[p]] … edges[edgeStarts[p + 1] - 1]`, shortest first. */
  private readonly edgeStarts: Int32Array;
  private readonly edges: Int32Array;
  /** Working space of {@link best}. */
  private score = new Float64Array(64);
  private via = new Int32Array(64);

  /**
   * Candidates are the single characters (symbols below `characters`; the others have no token), and, of the substrings
   * that occur at least twice, the `seeds` with the highest frequency × length.
   * @param kinds of each symbol: a substring is a candidate where all its symbols are of one kind, but the first may be
   *   of kind {@link BEGINS_WORD}; those of kind {@link NO_CANDIDATE} are in none
   */
  constructor(
    readonly words: WeightedWords,
    characters: number,
    kinds: Uint8Array,
    seeds: number,
  ) {
    const grams = repeatedSubstrings(words, kinds);
    const order = Array.from({ length: grams.count.length }, (_, gram) => gram);
    const score = (gram: number) => grams.count[gram]! * grams.length[gram]!;
    order.sort((a, b) => score(b) - score(a) || a - b);
    const chosen = order.slice(0, seeds);

    const pieceOf = new Int32Array(grams.count.length).fill(-1);
    this.characters = characters;
    this.firstPosition = new Int32Array(characters + chosen.length);
    this.length = new Int32Array(characters + chosen.length).fill(1);
    this.occurrences = new Float64Array(characters + chosen.length);
    this.totalCharacters = words.counts.reduce((sum, count, word) => {
      return sum + count * (words.starts[word + 1]! - words.starts[word]!);
    }, 0);
    for (let word = 0; word < words.counts.length; word++) {
      for (let position = words.starts[word]!; position < words.starts[word + 1]!; position++) {
        const symbol = words.symbols[position]!;
        if (symbol >= characters) continue;
        this.firstPosition[symbol] = position;
        this.occurrences[symbol]! += words.counts[word]!;
      }
    }
    chosen.forEach((gram, i) => {
      pieceOf[gram] = characters + i;
      this.firstPosition[characters + i] = grams.firstPosition[gram]!;
      this.length[characters + i] = grams.length[gram]!;
      this.occurrences[characters + i] = grams.count[gram]!;
    });

    // Counting sort by position; levels are visited by length, so the shortest edges come first.
    const edgeStarts = new Int32Array(words.symbols.length + 1);
    for (const { positions, grams: ids } of grams.levels) {
      positions.forEach((position, i) => {
        if (pieceOf[ids[i]!]! >= 0) edgeStarts[position + 1]!++;
      });
    }
    words.symbols.forEach((symbol, position) => {
      if (symbol < characters) edgeStarts[position + 1]!++;
    });
    for (let p = 0; p < words.symbols.length; p++) edgeStarts[p + 1]! += edgeStarts[p]!;
    const edges = new Int32Array(edgeStarts.at(-1)!);
    const next = edgeStarts.slice();
    words.symbols.forEach((symbol, position) => {
      if (symbol < characters) edges[next[position]!++] = symbol;
    });
    for (const { positions, grams: ids } of grams.levels) {
      positions.forEach((position, i) => {
        const piece = pieceOf[ids[i]!]!;
        if (piece >= 0) edges[next[position]!++] = piece;
      });
    }
    this.edgeStarts = edgeStarts;
    this.edges = edges;
  }

  get pieces(): number {
    return this.length.length;
  }

  /** Forgets the edges of pieces that are no longer candidates. */
  prune(alive: Uint8Array): void {
    let write = 0;
    let read = 0;
    for (let position = 0; position + 1 < this.edgeStarts.length; position++) {
      const end = this.edgeStarts[position + 1]!;
      for (; read < end; read++) {
        const piece = this.edges[read]!;
        if (alive[piece]) this.edges[write++] = piece;
      }
      this.edgeStarts[position + 1] = write;
    }
  }

  /**
   * Expected number of times each piece is used, over all segmentations weighted by their probability (the E step of
   * Kudo 2018), added to `expected`. Returns the log likelihood of the corpus in nats.
   *
   * Forward and backward sums are products of probabilities, each divided by that of an average character to the power
   * of the piece's length: all segmentations of a word are scaled alike, and stay within a double's range.
   */
  expectedCounts(scores: Float64Array, logPerCharacter: number, expected: Float64Array): number {
    const { edges, edgeStarts, length } = this;
    const { starts, counts } = this.words;
    const weights = scores.map((score, piece) => Math.exp(score - length[piece]! * logPerCharacter));
    let alpha = new Float64Array(64);
    let beta = new Float64Array(64);
    let logLikelihood = 0;
    for (let word = 0; word < counts.length; word++) {
      const start = starts[word]!;
      const size = starts[word + 1]! - start;
      alpha = grown(alpha, size + 1).fill(0, 0, size + 1);
      beta = grown(beta, size + 1);
      alpha[0] = 1;
      for (let i = 0; i < size; i++) {
        const first = edgeStarts[start + i]!;
        const last = edgeStarts[start + i + 1]!;
        // A character without a token is its own only segmentation: any weight will do.
        if (first === last || length[edges[first]!] !== 1) alpha[i + 1]! += alpha[i]!;
        for (let edge = first; edge < last; edge++) {
          const piece = edges[edge]!;
          alpha[i + length[piece]!]! += alpha[i]! * weights[piece]!;
        }
      }
      const total = alpha[size]!;
      // Out of range: such a word (dozens of the rarest characters in a row) teaches nothing.
      if (!(total > 0 && total < Infinity)) continue;
      const count = counts[word]!;
      logLikelihood += count * (Math.log(total) + size * logPerCharacter);
      beta[size] = count / total;
      for (let i = size - 1; i >= 0; i--) {
        const first = edgeStarts[start + i]!;
        const last = edgeStarts[start + i + 1]!;
        let sum = first === last || length[edges[first]!] !== 1 ? beta[i + 1]! : 0;
        for (let edge = first; edge < last; edge++) {
          const piece = edges[edge]!;
          const rest = beta[i + length[piece]!]! * weights[piece]!;
          sum += rest;
          expected[piece]! += alpha[i]! * rest;
        }
        beta[i] = sum;
      }
    }
    return logLikelihood;
  }

  /**
   * The most probable segmentation of positions [start, end) by Viterbi's algorithm. Returns its score, and gives its
   * pieces to `emit` from last to first; a character without a token is -1 and costs nothing.
   * @param without a piece that may not be used
   */
  best(
    start: number,
    end: number,
    scores: Float64Array,
    emit: (piece: number) => void,
    without = NONE,
  ): number {
    const { edges, edgeStarts, length } = this;
    const size = end - start;
    this.score = grown(this.score, size + 1).fill(-Infinity, 0, size + 1);
    this.via = grown(this.via, size + 1);
    const { score, via } = this;
    score[0] = 0;
    for (let i = 0; i < size; i++) {
      const first = edgeStarts[start + i]!;
      const last = edgeStarts[start + i + 1]!;
      const here = score[i]!;
      if ((first === last || length[edges[first]!] !== 1) && here > score[i + 1]!) {
        score[i + 1] = here;
        via[i + 1] = NONE;
      }
      for (let edge = first; edge < last; edge++) {
        const piece = edges[edge]!;
        const to = i + length[piece]!;
        if (to > size) break;
        if (piece === without || here + scores[piece]! <= score[to]!) continue;
        score[to] = here + scores[piece]!;
        via[to] = piece;
      }
    }
    for (let at = size; at > 0; ) {
      const piece = via[at]!;
      emit(piece);
      at -= piece === NONE ? 1 : length[piece]!;
    }
    return score[size]!;
  }
}

const NONE = -1;

/** Kinds of symbols with a meaning here. */
export const NO_CANDIDATE = 0;
export const BEGINS_WORD = 1;

interface Substrings {
  /** By number of the substring. */
  readonly count: Float64Array;
  readonly length: Int32Array;
  readonly firstPosition: Int32Array;
  /** For each length from 2 on, where the substrings stand. */
  readonly levels: readonly { readonly positions: Int32Array; readonly grams: Int32Array }[];
}

/**
 * The substrings of 2 to {@link MAX_PIECE_LENGTH} characters that occur at least twice, found one length after another:
 * a substring can only repeat where the two that are one character shorter do. Memory is proportional to their
 * occurrences.
 */
function repeatedSubstrings({ symbols, starts, counts }: WeightedWords, kinds: Uint8Array): Substrings {
  const joins = (left: number, right: number) => kinds[left] === kinds[right] || kinds[left] === BEGINS_WORD;
  const kept: { count: number; length: number; firstPosition: number }[] = [];
  const levels: { positions: Int32Array; grams: Int32Array }[] = [];
  /** Number of the repeated substring of the last length at each position, or -1. */
  let shorter = symbols.map((symbol) => (kinds[symbol] === NO_CANDIDATE ? NONE : symbol));
  for (let length = 2; length <= MAX_PIECE_LENGTH; length++) {
    const table = new PairTable();
    let count = new Float64Array(1024);
    const pairAt = new Int32Array(symbols.length).fill(-1);
    for (let word = 0; word < counts.length; word++) {
      for (let p = starts[word]!; p + length <= starts[word + 1]!; p++) {
        if (shorter[p]! < 0 || shorter[p + 1]! < 0 || !joins(symbols[p]!, symbols[p + 1]!)) continue;
        const pair = table.intern(shorter[p]!, symbols[p + length - 1]!);
        count = grown(count, pair + 1);
        count[pair]! += counts[word]!;
        pairAt[p] = pair;
      }
    }
    const gramOf = new Int32Array(table.size).fill(-1);
    let occurrences = 0;
    pairAt.forEach((pair, position) => {
      if (pair < 0 || count[pair]! < 2) return;
      occurrences++;
      if (gramOf[pair]! >= 0) return;
      gramOf[pair] = kept.length;
      kept.push({ count: count[pair]!, length, firstPosition: position });
    });
    if (occurrences === 0) break;
    const positions = new Int32Array(occurrences);
    const grams = new Int32Array(occurrences);
    let next = 0;
    shorter = pairAt.map((pair, position) => {
      const gram = pair < 0 ? -1 : gramOf[pair]!;
      if (gram >= 0) {
        positions[next] = position;
        grams[next++] = gram;
      }
      return gram;
    });
    levels.push({ positions, grams });
  }
  return {
    count: Float64Array.from(kept, ({ count }) => count),
    length: Int32Array.from(kept, ({ length }) => length),
    firstPosition: Int32Array.from(kept, ({ firstPosition }) => firstPosition),
    levels,
  };
}
