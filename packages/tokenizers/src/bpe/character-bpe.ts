import type { Emit, Model } from '../models/model.ts';
import { Vocabulary } from '../models/vocabulary.ts';
import { byteToken } from '../pipeline/byte-alphabet.ts';
import { unitsAt } from '../pipeline/unicode.ts';
import type { BpeSpec } from '../tokenizer-json.ts';
import type { MergeTable } from './merge-table.ts';
import { readMerges } from './read-merges.ts';
import { Symbols } from './symbols.ts';

const encoder = /* @__PURE__ */ new TextEncoder();

/**
 * BPE over characters, as SentencePiece and the first BPE models (Sennrich et al. 2016) have it. Where there is no
 * unknown token, a character without a token is dropped, as Hugging Face's `tokenizers` drops it.
 */
export class CharacterBpe implements Model {
  readonly vocabulary: Vocabulary;
  readonly size: number;
  readonly #merges: MergeTable;
  readonly #unknown: number | undefined;
  readonly #byteIds: readonly (number | undefined)[] | undefined;
  readonly #symbols = new Symbols();
  #starts: number[] = [];
  #ends: number[] = [];

  /** @throws TokenizerFormatError, UnknownComponentError */
  constructor(private readonly spec: BpeSpec) {
    this.vocabulary = Vocabulary.fromRecord(spec.vocab);
    this.size = this.vocabulary.tokens.length;
    this.#merges = readMerges(spec, this.vocabulary);
    this.#unknown = spec.unk_token == null ? undefined : this.vocabulary.ids.get(spec.unk_token);
    this.#byteIds = spec.byte_fallback
      ? Array.from({ length: 256 }, (_, byte) => this.vocabulary.ids.get(byteToken(byte)))
      : undefined;
  }

  tokenize(piece: string, emit: Emit): void {
    if (this.spec.ignore_merges) {
      const whole = this.vocabulary.ids.get(piece);
      if (whole !== undefined) {
        emit(whole, 0, piece.length);
        return;
      }
    }
    this.#read(piece);
    const symbols = this.#symbols;
    symbols.merge(this.#merges);
    for (let i = 0; i < symbols.length; i++) {
      const last = (i + 1 < symbols.length ? symbols.firsts[i + 1]! : this.#ends.length) - 1;
      emit(symbols.ids[i]!, this.#starts[symbols.firsts[i]!]!, this.#ends[last]!);
    }
  }

  /** Fills the symbols with one token a character, or its bytes, or the unknown token. */
  #read(piece: string): void {
    const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix, fuse_unk } = this.spec;
    this.#symbols.clear();
    this.#starts = [];
    this.#ends = [];
    let unknownBefore = false;
    for (let at = 0, end = 0; at < piece.length; at = end) {
      end = at + unitsAt(piece, at);
      const character = piece.slice(at, end);
      const spelled =
        (at > 0 && prefix ? prefix : '') + character + (end === piece.length && suffix ? suffix : '');
      const id = this.vocabulary.ids.get(spelled);
      const bytes = id === undefined ? this.#bytesOf(spelled) : undefined;
      if (id !== undefined) this.#push(id, at, end);
      else if (bytes) for (const byte of bytes) this.#push(byte, at, end);
      else if (this.#unknown === undefined) continue;
      else if (unknownBefore && fuse_unk) this.#ends[this.#ends.length - 1] = end;
      else this.#push(this.#unknown, at, end);
      unknownBefore = id === undefined && !bytes;
    }
  }

  #push(id: number, start: number, end: number): void {
    this.#symbols.push(id);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  #bytesOf(text: string): number[] | undefined {
    if (!this.#byteIds) return undefined;
    const ids = Array.from(encoder.encode(text), (byte) => this.#byteIds![byte]);
    return ids.every((id) => id !== undefined) ? ids : undefined;
  }

  toJSON(): BpeSpec {
    return { ...this.spec, vocab: this.vocabulary.toRecord() };
  }
}
