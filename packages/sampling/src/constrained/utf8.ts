import { type CodePointRange, LAST_CODE_POINT } from './expression.ts';

/** From and to, both included. */
type ByteRange = readonly [low: number, high: number];

const lastOfLength = [0x7f, 0x7ff, 0xffff, LAST_CODE_POINT];

/**
 * The UTF-8 of a range of characters as sequences of byte ranges: every choice of a byte from each range of a sequence is a
 * character, and every character is one (as in R. Cox 2010, "Regular expression matching in the wild"). Surrogates have none.
 */
export function utf8Sequences([low, high]: CodePointRange): ByteRange[][] {
  const cut = (at: number) => [...utf8Sequences([low, at]), ...utf8Sequences([at + 1, high])];
  if (low > high || (low >= 0xd800 && high <= 0xdfff)) return [];
  for (const last of [...lastOfLength, 0xd7ff, 0xdfff]) if (low <= last && last < high) return cut(last);
  const length = 1 + lastOfLength.findIndex((last) => high <= last);
  // Cut until both ends share all but their last bytes, and these span all of 0x80..0xbf.
  for (let i = 1; i < length; i++) {
    const mask = 2 ** (6 * i) - 1;
    if ((low & ~mask) === (high & ~mask)) break;
    if ((low & mask) !== 0) return cut(low | mask);
    if ((high & mask) !== mask) return cut((high & ~mask) - 1);
  }
  const [first, last] = [low, high].map((code) => new TextEncoder().encode(String.fromCodePoint(code)));
  return [Array.from(first, (byte, i) => [byte, last[i]] as const)];
}
