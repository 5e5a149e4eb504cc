import type { Emit, Model } from '../models/model.ts';
import type { Vocabulary } from '../models/vocabulary.ts';
import { unitsAt, utf8Length } from '../pipeline/unicode.ts';
import type { ModelSpec } from '../tokenizer-json.ts';
import type { Merges } from './merge-table.ts';
import { Symbols } from './symbols.ts';

const utf8 = /* @__PURE__ */ new TextEncoder();

/** How a byte-level model knows its tokens. */
export interface ByteTokens {
  readonly merges: Merges;
  readonly size: number;
  /** Id of each single byte, or -1: such a byte is dropped, as Hugging Face's `tokenizers` drops it. */
  readonly byteIds: Int32Array;
  /** The id of the word `bytes[start, end)` if it is a token as a whole and this goes before merging; else -1. */
  wholeWord(bytes: Uint8Array, start: number, end: number): number;
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

  /** The tokens of a word, given as UTF-8, to be read from the result before the next call. */
  encodeWord(bytes: Uint8Array, start: number, end: number): Symbols {
    const { byteIds, merges } = this.#tokens;
    const symbols = this.#symbols;
    symbols.clear();
    const whole = this.#tokens.wholeWord(bytes, start, end);
    if (whole >= 0) {
      symbols.push(whole);
      return symbols;
    }
    for (let i = start; i < end; i++) {
      const id = byteIds[bytes[i]!]!;
      if (id >= 0) symbols.push(id);
    }
    symbols.merge(merges);
    return symbols;
  }

  tokenize(piece: string, emit: Emit): void {
    const length = this.#writeUtf8(piece);
    const symbols = this.encodeWord(this.#bytes, 0, length);
    const isWhole = symbols.length === 1 && this.#tokens.wholeWord(this.#bytes, 0, length) >= 0;
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
    for (let at = 0, byte = 0; at < piece.length; ) {
      const end = at + unitsAt(piece, at);
      const bytes = utf8Length(piece.codePointAt(at)!);
      for (const last = byte + bytes; byte < last; byte++) {
        if (this.#tokens.byteIds[this.#bytes[byte]!]! < 0) continue;
        starts.push(at);
        ends.push(end);
      }
      at = end;
    }
    return { starts, ends };
  }

  /** Writes UTF-8 to `#bytes`. Returns the number of bytes. */
  #writeUtf8(text: string): number {
    if (this.#bytes.length < text.length * 3) this.#bytes = new Uint8Array(text.length * 4);
    return utf8.encodeInto(text, this.#bytes).written;
  }
}
