import { grown } from './grown.ts';
import { PairTable } from './pair-table.ts';
import type { WeightedWords } from './weighted-words.ts';

/** End of a list. */
const NONE = -1;

/** The words as far as they are merged, how often each pair occurs in them, and in which words. */
export class MergeState {
  readonly pairs = new PairTable();
  /** Occurrences of each pair, weighted by its words' counts. */
  count = new Float64Array(1024);
  /** Words that hold a pair: a linked list per pair, in ascending order; some may hold it no longer. */
  private head = new Int32Array(1024).fill(NONE);
  private tail = new Int32Array(1024).fill(NONE);
  private nodeWord: Int32Array;
  private nodeNext: Int32Array;
  private nodes = 0;
  private freeNode = NONE;
  private readonly symbols: Int32Array;
  private readonly starts: Int32Array;
  private readonly wordCounts: Float64Array;
  /** Where each word now ends: it shrinks in place. */
  private readonly ends: Int32Array;
  /** Bytes (or characters) that each token is made of, for the position of a pair in its word. */
  private tokenLength = new Int32Array(1024).fill(1);

  constructor(words: WeightedWords) {
    this.symbols = words.symbols;
    this.starts = words.starts;
    this.wordCounts = words.counts;
    this.ends = words.starts.slice(1);
    this.nodeWord = new Int32Array(words.symbols.length);
    this.nodeNext = new Int32Array(words.symbols.length);
    for (let word = 0; word < this.ends.length; word++) {
      for (let i = this.starts[word]! + 1; i < this.ends[word]!; i++) {
        this.add(this.symbols[i - 1]!, this.symbols[i]!, word);
      }
    }
  }

  /** Merges `pair` into `token` in every word. Returns the pairs that now occur more often than before. */
  merge(pair: number, token: number): Iterable<number> {
    const left = this.pairs.left[pair]!;
    const right = this.pairs.right[pair]!;
    const grownPairs = new Set<number>();
    this.tokenLength = grown(this.tokenLength, token + 1);
    this.tokenLength[token] = this.tokenLength[left]! + this.tokenLength[right]!;
    for (let node = this.head[pair]!; node !== NONE; node = this.nodeNext[node]!) {
      this.mergeWord(this.nodeWord[node]!, left, right, token, grownPairs);
    }
    this.count[pair] = 0;
    this.releaseNodes(pair);
    grownPairs.delete(pair);
    return grownPairs;
  }

  private mergeWord(word: number, left: number, right: number, token: number, grownPairs: Set<number>): void {
    const { symbols } = this;
    const start = this.starts[word]!;
    const end = this.ends[word]!;
    const weight = this.wordCounts[word]!;
    let write = start;
    for (let read = start; read < end; write++) {
      if (symbols[read] !== left || read + 1 === end || symbols[read + 1] !== right) {
        symbols[write] = symbols[read++]!;
        continue;
      }
      if (write > start) {
        const before = symbols[write - 1]!;
        this.count[this.pairs.intern(before, left)]! -= weight;
        grownPairs.add(this.add(before, token, word));
      }
      if (read + 2 < end) {
        const after = symbols[read + 2]!;
        this.count[this.pairs.intern(right, after)]! -= weight;
        grownPairs.add(this.add(token, after, word));
      }
      symbols[write] = token;
      read += 2;
    }
    this.ends[word] = write;
  }

  /** Counts one occurrence of a pair in a word; returns the pair's number. */
  private add(left: number, right: number, word: number): number {
    const pair = this.pairs.intern(left, right);
    if (pair >= this.count.length) {
      const old = this.count.length;
      this.count = grown(this.count, pair + 1);
      this.head = grown(this.head, pair + 1).fill(NONE, old);
      this.tail = grown(this.tail, pair + 1).fill(NONE, old);
    }
    this.count[pair]! += this.wordCounts[word]!;
    const last = this.tail[pair]!;
    if (last !== NONE && this.nodeWord[last] === word) return pair;
    const node = this.newNode(word);
    if (last === NONE) this.head[pair] = node;
    else this.nodeNext[last] = node;
    this.tail[pair] = node;
    return pair;
  }

  private newNode(word: number): number {
    let node = this.freeNode;
    if (node !== NONE) {
      this.freeNode = this.nodeNext[node]!;
    } else {
      node = this.nodes++;
      this.nodeWord = grown(this.nodeWord, this.nodes);
      this.nodeNext = grown(this.nodeNext, this.nodes);
    }
    this.nodeWord[node] = word;
    this.nodeNext[node] = NONE;
    return node;
  }

  private releaseNodes(pair: number): void {
    if (this.head[pair] === NONE) return;
    this.nodeNext[this.tail[pair]!] = this.freeNode;
    this.freeNode = this.head[pair]!;
    this.head[pair] = NONE;
    this.tail[pair] = NONE;
  }

  /**
   * Where the corpus's distinct words first hold the pair, in bytes (or characters) from the start of all of them;
   * Infinity where they no longer do. It only grows while words are merged, so the list is pruned on the way.
   */
  firstPosition(pair: number): number {
    const left = this.pairs.left[pair]!;
    const right = this.pairs.right[pair]!;
    for (let node = this.head[pair]!; node !== NONE; node = this.head[pair]!) {
      const word = this.nodeWord[node]!;
      let position = this.starts[word]!;
      for (let i = this.starts[word]!; i + 1 < this.ends[word]!; i++) {
        const symbol = this.symbols[i]!;
        if (symbol === left && this.symbols[i + 1] === right) return position;
        position += this.tokenLength[symbol]!;
      }
      this.head[pair] = this.nodeNext[node]!;
      if (this.head[pair] === NONE) this.tail[pair] = NONE;
      this.nodeNext[node] = this.freeNode;
      this.freeNode = node;
    }
    return Infinity;
  }
}
