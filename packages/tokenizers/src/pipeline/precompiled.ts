import { TokenizerFormatError } from '../errors.ts';
import { fromBase64 } from './base64.ts';
import type { Normalizer } from './normalizer.ts';
import { unitsAt } from './unicode.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/**
 * SentencePiece's normalization table: little-endian uint32 size of a double-array trie, the trie (Darts-clone's
 * units), then NUL-terminated replacements; a trie value is an offset into these (sentencepiece/src/normalizer.cc).
 * As Hugging Face's `spm_precompiled` does, a grapheme of less than 6 bytes is looked up whole, others by character.
 *
 * @throws TokenizerFormatError
 */
export function precompiled(charsmap: string): Normalizer {
  const bytes = fromBase64(charsmap, 'precompiled_charsmap');
  if (bytes.length === 0) return (text) => text;
  const fail = (reason: string) => new TokenizerFormatError('precompiled_charsmap', reason);
  if (bytes.length < 4) throw fail('it is shorter than its header.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const trieSize = view.getUint32(0, true);
  if (trieSize % 4 !== 0 || trieSize > bytes.length - 4) throw fail('its trie runs past the end.');
  const units = Uint32Array.from({ length: trieSize / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + trieSize);

  /** The replacement of the longest prefix that has one equal to the whole of `key`'s shortest match; see below. */
  const lookUp = (key: string): string | undefined => {
    let node = offsetOf(units[0] ?? 0);
    for (const byte of encoder.encode(key)) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = units[node];
      if (unit === undefined || labelOf(unit) !== byte) return undefined;
      node ^= offsetOf(unit);
      if (hasLeaf(unit)) {
        // Like spm_precompiled, the first (shortest) prefix with a value wins.
        const start = (units[node] ?? 0) & 0x7fffffff;
        if (start > replacements.length) throw fail('a replacement lies past the end.');
        const end = replacements.indexOf(0, start);
        return decoder.decode(replacements.subarray(start, end < 0 ? replacements.length : end));
      }
    }
    return undefined;
  };

  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const known = new Map<string, string | null>();
  const cached = (key: string): string | null => {
    let found = known.get(key);
    if (found === undefined) {
      if (known.size >= 8192) known.clear();
      found = lookUp(key) ?? null;
      known.set(key, found);
    }
    return found;
  };

  return (text) =>
    text.rewrite((out) => {
      for (const { segment, index } of segmenter.segment(text.text)) {
        const whole = encoder.encode(segment).length < 6 ? cached(segment) : null;
        if (whole !== null) {
          out.put(whole, index, index + segment.length);
          continue;
        }
        for (let at = index; at < index + segment.length; ) {
          const end = at + unitsAt(text.text, at);
          const replacement = cached(text.text.slice(at, end));
          if (replacement === null) out.keep(at, end);
          else out.put(replacement, at, end);
          at = end;
        }
      }
    });
}

/** The fields of a Darts-clone unit. */
const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1;
const labelOf = (unit: number) => unit & 0x800000ff;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
