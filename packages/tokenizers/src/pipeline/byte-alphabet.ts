/**
 * GPT-2's alphabet of 256 printable characters, one for each byte (`bytes_to_unicode` in openai/gpt-2's encoder.py):
 * printable Latin-1 stands for itself, the other bytes for U+0100 onwards in ascending order.
 */
export const BYTE_TO_CHARACTER: readonly string[] = alphabet();

/** Character code to byte, or -1. Codes of the alphabet end at U+0143. */
const CODE_TO_BYTE = new Int16Array(0x144).fill(-1);
BYTE_TO_CHARACTER.forEach((character, byte) => {
  CODE_TO_BYTE[character.charCodeAt(0)] = byte;
});

const encoder = /* @__PURE__ */ new TextEncoder();

function alphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** Bytes as a string of the alphabet. */
export function bytesToAlphabet(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BYTE_TO_CHARACTER[byte];
  return text;
}

/** The bytes that a token of the alphabet stands for; UTF-8 of a token with any character outside the alphabet. */
export function alphabetToBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CODE_TO_BYTE[token.charCodeAt(i)] ?? -1;
    if (byte < 0) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** How byte fallback spells a byte. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
