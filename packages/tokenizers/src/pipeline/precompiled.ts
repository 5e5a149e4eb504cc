import { TokenizerFormatError } from '../errors.ts';
import { fromBase64 } from './base64.ts';
import type { Normalizer } from './normalizer.ts';
import { unitsAt } from './unicode.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/**
 * SentencePiece's normalization table: little-endian uint32 size of a double-array trie, the trie (Darts-clone's
 * units), then NUL-terminated replacements; a trie value is an offset into these (sentencepiece/src/normalizer.cc).
 *
 * With `longestMatch` the longest prefix that the table knows is replaced, as in SentencePiece. Otherwise it is as in
 * Hugging Face's `spm_precompiled`: a grapheme of less than 6 bytes is looked up whole, others by character.
 *
 * @throws TokenizerFormatError
 */
export function precompiled(charsmap: string, longestMatch: boolean): Normalizer {
  const bytes = fromBase64(charsmap, 'precompiled_charsmap');
  if (bytes.length === 0) return (text) => text;
  const table = new Charsmap(bytes);
  return longestMatch ? byLongestMatch(table) : byGrapheme(table);
}

function byLongestMatch(table: Charsmap): Normalizer {
  return (text) =>
    text.rewrite((out) => {
      const utf8 = encoder.encode(text.text);
      for (let at = 0, byte = 0; at < text.text.length; ) {
        const match = table.longestPrefix(utf8, byte);
        let end = at;
        const until = match ? match.end : byte + 1;
        while (byte < until) {
          byte += utf8Length(text.text.codePointAt(end)!);
          end += unitsAt(text.text, end);
        }
        if (match) out.put(match.replacement, at, end);
        else out.keep(at, end);
        at = end;
      }
    });
}

function byGrapheme(table: Charsmap): Normalizer {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (text) =>
    text.rewrite((out) => {
      for (const { segment, index } of segmenter.segment(text.text)) {
        const utf8 = encoder.encode(segment);
        const whole = utf8.length < 6 ? table.shortestPrefix(utf8) : undefined;
        if (whole !== undefined) {
          out.put(whole, index, index + segment.length);
          continue;
        }
        for (let at = index; at < index + segment.length; ) {
          const end = at + unitsAt(text.text, at);
          const replacement = table.shortestPrefix(encoder.encode(text.text.slice(at, end)));
          if (replacement === undefined) out.keep(at, end);
          else out.put(replacement, at, end);
          at = end;
        }
      }
    });
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** The table: replacements by prefix. */
class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;

  constructor(bytes: Uint8Array) {
    if (bytes.length < 4)
      throw new TokenizerFormatError('precompiled_charsmap', 'it is shorter than its header.');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const size = view.getUint32(0, true);
    if (size % 4 !== 0 || size > bytes.length - 4) {
      throw new TokenizerFormatError('precompiled_charsmap', 'its trie runs past the end.');
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = bytes.subarray(4 + size);
  }

  /** The replacement of the shortest prefix of `key` that has one. */
  shortestPrefix(key: Uint8Array): string | undefined {
    for (const { value } of this.#prefixes(key, 0)) return this.#replacement(value);
    return undefined;
  }

  /** The longest prefix of `utf8` from `start` that has a replacement, and that. */
  longestPrefix(utf8: Uint8Array, start: number): { end: number; replacement: string } | undefined {
    let longest: { end: number; value: number } | undefined;
    for (const prefix of this.#prefixes(utf8, start)) longest = prefix;
    return longest && { end: longest.end, replacement: this.#replacement(longest.value) };
  }

  /** Walks down the trie: where each known prefix ends, and its value. */
  *#prefixes(utf8: Uint8Array, start: number): Generator<{ end: number; value: number }> {
    const units = this.#units;
    let node = offsetOf(units[0] ?? 0);
    for (let at = start; at < utf8.length; at++) {
      const byte = utf8[at]!;
      node ^= byte;
      const unit = units[node];
      if (byte === 0 || unit === undefined || labelOf(unit) !== byte) return;
      node ^= offsetOf(unit);
      if (hasLeaf(unit)) yield { end: at + 1, value: (units[node] ?? 0) & 0x7fffffff };
    }
  }

  #replacement(start: number): string {
    if (start > this.#replacements.length) {
      throw new TokenizerFormatError('precompiled_charsmap', 'a replacement lies past the end.');
    }
    const end = this.#replacements.indexOf(0, start);
    return decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
  }
}

/** The fields of a Darts-clone unit. */
const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1;
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
