import { TokenizerFormatError } from '../errors.ts';
import type { Emit, Model } from '../models/model.ts';
import { Vocabulary } from '../models/vocabulary.ts';
import { BYTE_TO_CHARACTER, bytesToAlphabet } from '../pipeline/byte-alphabet.ts';
import { unitsAt } from '../pipeline/unicode.ts';
import type { BpeSpec, ModelSpec, RankedBpeSpec } from '../tokenizer-json.ts';
import { ByteVocabulary } from './byte-vocabulary.ts';
import type { Merges } from './merge-table.ts';
import { readMerges } from './read-merges.ts';
import { Symbols } from './symbols.ts';

/** How a byte-level model knows its tokens. */
interface Tokens {
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
  readonly #tokens: Tokens;
  readonly #symbols = new Symbols();
  #bytes = new Uint8Array(1024);
  #vocabulary: Vocabulary | undefined;

  /** @throws TokenizerFormatError */
  constructor(spec: BpeSpec | RankedBpeSpec) {
    this.#tokens = spec.type === 'RankedBPE' ? rankedTokens(spec) : mergedTokens(spec);
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

function mergedTokens(spec: BpeSpec): Tokens {
  const vocabulary = Vocabulary.fromRecord(spec.vocab);
  const merges = readMerges(spec, vocabulary);
  const unknown = spec.unk_token == null ? undefined : vocabulary.ids.get(spec.unk_token);
  const byteIds = Int32Array.from(
    BYTE_TO_CHARACTER,
    (character) => vocabulary.ids.get(character) ?? unknown ?? -1,
  );
  return {
    merges,
    byteIds,
    size: vocabulary.tokens.length,
    wholeWord: spec.ignore_merges
      ? (bytes, length) => vocabulary.ids.get(bytesToAlphabet(bytes.subarray(0, length))) ?? -1
      : () => -1,
    vocabulary: () => vocabulary,
    toJSON: () => ({ ...spec, vocab: vocabulary.toRecord() }),
  };
}

function rankedTokens(spec: RankedBpeSpec): Tokens {
  const tokens = new ByteVocabulary(spec);
  const single = new Uint8Array(1);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
    single[0] = byte;
    return tokens.find(single, 0, 1);
  });
  const missing = byteIds.indexOf(-1);
  if (missing >= 0) {
    throw new TokenizerFormatError(
      'list of ranked tokens',
      `the byte 0x${missing.toString(16)} has no token.`,
    );
  }
  const vocabulary = () =>
    Vocabulary.of(
      Array.from({ length: tokens.count }, (_, index): [string, number] => [
        bytesToAlphabet(tokens.bytesAt(index)),
        tokens.idAt(index),
      ]),
    );
  return {
    merges: tokens,
    byteIds,
    size: tokens.size,
    wholeWord: (bytes, length) => tokens.find(bytes, 0, length),
    vocabulary,
    toJSON: () => rankedToMerges(tokens, vocabulary()),
  };
}

/** Ranks as merges: every way to make a token out of two others, in order of the token's rank. */
function rankedToMerges(tokens: ByteVocabulary, vocabulary: Vocabulary): BpeSpec {
  const merges: [string, string][] = [];
  for (let index = 0; index < tokens.count; index++) {
    const bytes = tokens.bytesAt(index);
    const pairs: [left: number, right: number][] = [];
    for (let cut = 1; cut < bytes.length; cut++) {
      const left = tokens.find(bytes, 0, cut);
      const right = tokens.find(bytes, cut, bytes.length);
      if (left >= 0 && right >= 0) pairs.push([left, right]);
    }
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [left, right] of pairs) merges.push([vocabulary.tokens[left]!, vocabulary.tokens[right]!]);
  }
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: true,
    vocab: vocabulary.toRecord(),
    merges,
  };
}
