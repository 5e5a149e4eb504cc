import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, malformedAt, normalizeNewlines } from './decode-text.ts';
import { TextEncodingError } from './errors.ts';

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** Bytes that are nearly UTF-8: pieces of text and arbitrary bytes in turn. */
const nearlyUtf8 = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => [...new TextEncoder().encode(text)]),
      fc.array(
        fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xe0, 0xa0, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0xff),
        {
          maxLength: 4,
        },
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));

describe('decodeText', () => {
  it('gives back every well-formed text, line ends untouched', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const expected = text.startsWith('\uFEFF') ? text.slice(1) : text;
        expect(decodeText(new TextEncoder().encode(text))).toBe(expected);
      }),
    );
    expect(decodeText(new TextEncoder().encode('a\r\nb\rc\n'))).toBe('a\r\nb\rc\n');
  });

  it('drops a byte-order mark at the start, and only there', () => {
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('A');
    expect(decodeText(new TextEncoder().encode('A\uFEFF'))).toBe('A\uFEFF');
  });

  it('names the first malformed byte and what to do', () => {
    const latin1 = Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x0a);
    expect(() => decodeText(latin1, 'cafe.txt')).toThrow(
      'A text must be UTF-8, but cafe.txt is not (byte 0xE9 at offset 3); convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8.',
    );
    expect(() => decodeText(Uint8Array.of(0x41, 0xe2, 0x82))).toThrow('byte 0xE2 at offset 1');
    expect(() => decodeText(Uint8Array.of(0xff, 0xfe))).toThrow(TextEncodingError);
  });

  it('accepts what the platform accepts, and points at the first sequence that cannot be read', () => {
    fc.assert(
      fc.property(nearlyUtf8, (bytes) => {
        const offset = malformedAt(bytes);
        expect(offset === undefined).toBe(isUtf8(bytes));
        if (offset === undefined) return;
        expect(isUtf8(bytes.subarray(0, offset))).toBe(true);
        for (let length = 1; length <= 4 && offset + length <= bytes.length; length++) {
          expect(isUtf8(bytes.subarray(offset, offset + length))).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('normalizeNewlines', () => {
  it('reads CRLF as LF and leaves everything else', () => {
    expect(normalizeNewlines('a\r\nb\rc\n\r\n')).toBe('a\nb\rc\n\n');
  });
});
