import { TextEncodingError } from './errors.ts';

/**
 * Decodes UTF-8 strictly: nothing is replaced. A byte-order mark at the start is dropped; line ends stay as they are.
 *
 * @param source names the bytes in the error message, such as a path.
 * @throws TextEncodingError with the offset of the first malformed sequence.
 */
export function decodeText(bytes: Uint8Array, source = 'this text'): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const offset = malformedAt(bytes);
    if (offset === undefined) throw error;
    throw new TextEncodingError(source, offset, bytes[offset]);
  }
}

/** Reads every CRLF (Windows, Project Gutenberg) as LF; a CR alone stays. */
export function normalizeNewlines(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

/** Where the first malformed sequence begins (Unicode 16, table 3-7), or `undefined` where all is well. */
export function malformedAt(bytes: Uint8Array): number | undefined {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i];
    const length = sequenceLength(lead);
    if (length === 0) return i;
    for (let k = 1; k < length; k++) {
      const [low, high] = k === 1 ? secondByteRange(lead) : [0x80, 0xbf];
      if (i + k === bytes.length || bytes[i + k] < low || bytes[i + k] > high) return i;
    }
    i += length;
  }
  return undefined;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0; // continuation bytes, and overlong forms of ASCII
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/** Excludes overlong forms, surrogates and what lies above U+10FFFF. */
function secondByteRange(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}
