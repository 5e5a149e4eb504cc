import { TokenizerFormatError } from '../errors.ts';
import { byteToken } from '../pipeline/byte-alphabet.ts';
import { unitsAt } from '../pipeline/unicode.ts';
import type { UnigramSpec } from '../tokenizer-json.ts';
import { type Emit, type Model, NO_TOKEN } from './model.ts';
import { Vocabulary } from './vocabulary.ts';

/** What an unknown character costs beyond the least likely piece (SentencePiece's `kUnkPenalty`). */
const UNKNOWN_PENALTY = 10;

const encoder = /* @__PURE__ */ new TextEncoder();

/** The most probable segmentation under independent pieces, by Viterbi's algorithm (Kudo 2018, SentencePiece). */
export class Unigram implements Model {
  readonly vocabulary: Vocabulary;
  readonly size: number;
  readonly #scores: Float64Array;
  readonly #trie = new Trie();
  readonly #unknownScore: number;
  readonly #unknown: number;
  readonly #bytes: readonly number[] | undefined;

  /** @throws TokenizerFormatError */
  constructor(private readonly spec: UnigramSpec) {
    if (!Array.isArray(spec.vocab) || spec.vocab.length === 0) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        'a Unigram vocab is a list of [piece, score] with at least one entry.',
      );
    }
    const entries: [string, number][] = [];
    this.#scores = new Float64Array(spec.vocab.length);
    let least = Infinity;
    spec.vocab.forEach((entry: unknown, id) => {
      const [piece, score] = Array.isArray(entry) ? entry : [];
      if (typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score)) {
        throw new TokenizerFormatError(
          'tokenizer.json',
          `entry ${id} of the Unigram vocab is not [piece, score].`,
        );
      }
      entries.push([piece, id]);
      this.#scores[id] = score;
      least = Math.min(least, score);
    });
    this.size = entries.length;
    this.vocabulary = Vocabulary.of(entries);
    for (const [piece, id] of this.vocabulary.ids) if (piece !== '') this.#trie.add(piece, id);
    const { unk_id = null } = spec;
    if (unk_id !== null && !(unk_id < this.size && unk_id >= 0 && Number.isInteger(unk_id))) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        `Unigram's unk_id ${unk_id} is not in its vocabulary.`,
      );
    }
    this.#unknown = unk_id ?? NO_TOKEN;
    this.#unknownScore = least - UNKNOWN_PENALTY;
    this.#bytes = spec.byte_fallback ? byteTokens(this.vocabulary) : undefined;
  }

  get verbatim(): number {
    return this.#unknown;
  }

  tokenize(piece: string, emit: Emit): void {
    const length = piece.length;
    const best = new Float64Array(length + 1).fill(-Infinity);
    const from = new Int32Array(length + 1);
    const token = new Int32Array(length + 1);
    best[0] = 0;
    const trie = this.#trie;
    for (let start = 0; start < length; ) {
      const step = unitsAt(piece, start);
      const here = best[start]!;
      let hasSingle = false;
      let node = 0;
      for (let at = start; at < length; at++) {
        node = trie.child(node, piece.charCodeAt(at));
        if (node < 0) break;
        const id = trie.valueOf(node);
        if (id < 0) continue;
        const end = at + 1;
        const score = here + this.#scores[id]!;
        if (score > best[end]!) {
          best[end] = score;
          from[end] = start;
          token[end] = id;
        }
        if (end === start + step) hasSingle = true;
      }
      const next = start + step;
      if (!hasSingle && here + this.#unknownScore > best[next]!) {
        best[next] = here + this.#unknownScore;
        from[next] = start;
        token[next] = NO_TOKEN;
      }
      start = next;
    }
    this.#emitPath(piece, from, token, emit);
  }

  /** Follows the best path back, then emits it forwards with unknown characters in a row as one. */
  #emitPath(piece: string, from: Int32Array, token: Int32Array, emit: Emit): void {
    const ends: number[] = [];
    for (let end = piece.length; end > 0; end = from[end]!) ends.push(end);
    let unknownFrom = -1;
    for (let i = ends.length - 1; i >= 0; i--) {
      const end = ends[i]!;
      const start = from[end]!;
      const isUnknown = token[end] === NO_TOKEN || token[end] === this.#unknown;
      if (isUnknown && unknownFrom < 0) unknownFrom = start;
      if (!isUnknown && unknownFrom >= 0) {
        this.#emitUnknown(piece, unknownFrom, start, emit);
        unknownFrom = -1;
      }
      if (!isUnknown) emit(token[end]!, start, end);
    }
    if (unknownFrom >= 0) this.#emitUnknown(piece, unknownFrom, piece.length, emit);
  }

  #emitUnknown(piece: string, start: number, end: number, emit: Emit): void {
    if (!this.#bytes) {
      emit(this.#unknown, start, end);
      return;
    }
    for (const byte of encoder.encode(piece.slice(start, end))) emit(this.#bytes[byte]!, start, end);
  }

  toJSON(): UnigramSpec {
    const { vocab, unk_id = null, byte_fallback = false } = this.spec;
    return { type: 'Unigram', unk_id, vocab, byte_fallback };
  }
}

/** The ids of `<0x00>` … `<0xFF>`, or undefined unless all are there. */
function byteTokens(vocabulary: Vocabulary): number[] | undefined {
  const ids = Array.from({ length: 256 }, (_, byte) => vocabulary.ids.get(byteToken(byte)));
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

/** A trie over UTF-16 units, its edges in one hash table. */
class Trie {
  #nodes = 1;
  #edges = 0;
  #keys = new Float64Array(1024);
  #targets = new Int32Array(1024);
  #values = new Int32Array(512).fill(NO_TOKEN);

  add(text: string, value: number): void {
    let node = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let next = this.child(node, unit);
      if (next < 0) {
        next = this.#nodes++;
        this.#connect(node, unit, next);
      }
      node = next;
    }
    this.#values[node] = value;
  }

  /** The node that `unit` leads to, or -1. */
  child(node: number, unit: number): number {
    const key = node * 0x10000 + unit + 1;
    const mask = this.#keys.length - 1;
    let slot = hash(node, unit) & mask;
    for (;;) {
      const found = this.#keys[slot];
      if (found === key) return this.#targets[slot]!;
      if (found === 0) return -1;
      slot = (slot + 1) & mask;
    }
  }

  valueOf(node: number): number {
    return this.#values[node]!;
  }

  #connect(node: number, unit: number, target: number): void {
    if (target >= this.#values.length) {
      const values = new Int32Array(this.#values.length * 2).fill(NO_TOKEN);
      values.set(this.#values);
      this.#values = values;
    }
    if (++this.#edges * 2 > this.#keys.length) this.#grow();
    this.#insert(node * 0x10000 + unit + 1, target);
  }

  #grow(): void {
    const keys = this.#keys;
    const targets = this.#targets;
    this.#keys = new Float64Array(keys.length * 2);
    this.#targets = new Int32Array(keys.length * 2);
    keys.forEach((key, slot) => {
      if (key !== 0) this.#insert(key, targets[slot]!);
    });
  }

  #insert(key: number, target: number): void {
    const mask = this.#keys.length - 1;
    let slot = hash(Math.floor((key - 1) / 0x10000), (key - 1) % 0x10000) & mask;
    while (this.#keys[slot] !== 0) slot = (slot + 1) & mask;
    this.#keys[slot] = key;
    this.#targets[slot] = target;
  }
}

function hash(node: number, unit: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
