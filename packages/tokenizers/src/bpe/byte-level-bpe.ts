import type { Emit, Model } from '../models/model.ts';
import type { Vocabulary } from '../models/vocabulary.ts';
import { unitsAt } from '../pipeline/unicode.ts';
import type { ModelSpec } from '../tokenizer-json.ts';
import type { Merges } from './merge-table.ts';
import { Symbols } from './symbols.ts';

/** How a byte-level model knows its tokens. */
export interface ByteTokens {
  readonly merges: Merges;
  readonly size: number;
  /** Id of each single byte, or -1: such a byte is dropped, as Hugging Face's `tokenizers` drops it. */
  readonly byteIds: Int32Array;
  /** The id of the word if it is a token as a whole and this goes before merging; else -1. */
  wholeWord(bytes: Uint8Array, length: number): number;
  vocabulary(): Vocabulary;
  toJSON(): ModelSpec;
}

/**
 * BPE over UTF-8 bytes. It takes words as plain text: the alphabet of printable bytes (`Ġ`) is only how the vocabulary
 * is spelled.
 */
export class ByteLevelBpe implements Model {
  readonly #tokens: ByteTokens;
  readonly #symbols = new Symbols();
  #bytes = new Uint8Array(1024);
  #vocabulary: Vocabulary | undefined;

  constructor(tokens: ByteTokens) {
    this.#tokens = tokens;
  }

  get size(): number {
    return this.#tokens.size;
  }

  get vocabulary(): Vocabulary {
    this.#vocabulary ??= this.#tokens.vocabulary();
    return this.#vocabulary;
  }

  toJSON(): ModelSpec {
    return this.#tokens.toJSON();
  }

  /** The tokens of `text[start, end)`, to be read from the result before the next call. */
  encodeWord(text: string, start: number, end: number): Symbols {
    const { byteIds, merges } = this.#tokens;
    const symbols = this.#symbols;
    const length = this.#writeUtf8(text, start, end);
    const bytes = this.#bytes;
    symbols.clear();
    const whole = this.#tokens.wholeWord(bytes, length);
    if (whole >= 0) {
      symbols.push(whole);
      return symbols;
    }
    for (let i = 0; i < length; i++) {
      const id = byteIds[bytes[i]!]!;
      if (id >= 0) symbols.push(id);
    }
    symbols.merge(merges);
    return symbols;
  }

  tokenize(piece: string, emit: Emit): void {
    const symbols = this.encodeWord(piece, 0, piece.length);
    const length = this.#writeUtf8(piece, 0, piece.length);
    const isWhole = symbols.length === 1 && this.#tokens.wholeWord(this.#bytes, length) >= 0;
    if (isWhole) {
      emit(symbols.ids[0]!, 0, piece.length);
      return;
    }
    const { starts, ends } = this.#byteSpans(piece);
    for (let i = 0; i < symbols.length; i++) {
      const first = symbols.firsts[i]!;
      const last = (i + 1 < symbols.length ? symbols.firsts[i + 1]! : starts.length) - 1;
      emit(symbols.ids[i]!, starts[first]!, ends[last]!);
    }
  }

  /** For each byte that has a token: where the character that it is part of begins and ends. */
  #byteSpans(piece: string): { starts: number[]; ends: number[] } {
    const starts: number[] = [];
    const ends: number[] = [];
    for (let at = 0; at < piece.length; ) {
      const end = at + unitsAt(piece, at);
      const length = this.#writeUtf8(piece, at, end);
      for (let i = 0; i < length; i++) {
        if (this.#tokens.byteIds[this.#bytes[i]!]! < 0) continue;
        starts.push(at);
        ends.push(end);
      }
      at = end;
    }
    return { starts, ends };
  }

  /** Writes UTF-8 to `#bytes`; lone surrogates as U+FFFD. Returns the number of bytes. */
  #writeUtf8(text: string, start: number, end: number): number {
    if (this.#bytes.length < (end - start) * 3) this.#bytes = new Uint8Array((end - start) * 4);
    const bytes = this.#bytes;
    let length = 0;
    for (let at = start; at < end; at++) {
      let code = text.charCodeAt(at);
      if (code < 0x80) {
        bytes[length++] = code;
        continue;
      }
      if (code < 0x800) {
        bytes[length++] = 0xc0 | (code >> 6);
        bytes[length++] = 0x80 | (code & 0x3f);
        continue;
      }
      if (code >= 0xd800 && code < 0xe000) {
        if (at + 1 < end && unitsAt(text, at) === 2) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (text.charCodeAt(++at) & 0x3ff);
          bytes[length++] = 0xf0 | (code >> 18);
          bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
          bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
          bytes[length++] = 0x80 | (code & 0x3f);
          continue;
        }
        code = 0xfffd;
      }
      bytes[length++] = 0xe0 | (code >> 12);
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[length++] = 0x80 | (code & 0x3f);
    }
    return length;
  }
}
