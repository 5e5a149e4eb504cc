/** Character classes as Rust's and Oniguruma's expressions define them, as bodies of JavaScript `v` classes. */

/** Unicode White_Space: U+0085 is in it, U+FEFF is not (JavaScript's `\s` has it the other way round). */
export const WHITE_SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** Rust's `\w`, but for joiners. */
export const WORD_CHARACTER = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}';

/** Oniguruma's `\w`: the same, and Latin-1's superscripts and fractions. */
export const ONIGURUMA_WORD = `${WORD_CHARACTER}\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be`;

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const LONE_SURROGATES = new RegExp(LONE_SURROGATE, 'g');

/** Lone surrogates replaced by U+FFFD, as `TextEncoder` does. The length in UTF-16 units stays. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replace(LONE_SURROGATES, '\ufffd') : text;
}

/** Length in UTF-16 units of the character at `index`. */
export function unitsAt(text: string, index: number): 1 | 2 {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdbff) return 1;
  const next = text.charCodeAt(index + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 2 : 1;
}

/** Bytes of a character in UTF-8; of a lone surrogate, those of U+FFFD. */
export function utf8Length(point: number): 1 | 2 | 3 | 4 {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/** For each UTF-16 index 0 … length, the number of UTF-8 bytes before it (inside a pair: before the pair). */
export function utf8Offsets(text: string): Uint32Array {
  const offsets = new Uint32Array(text.length + 1);
  let bytes = 0;
  for (let i = 0; i < text.length; ) {
    const units = unitsAt(text, i);
    for (let k = 0; k < units; k++) offsets[i + k] = bytes;
    bytes += utf8Length(text.codePointAt(i)!);
    i += units;
  }
  offsets[text.length] = bytes;
  return offsets;
}
