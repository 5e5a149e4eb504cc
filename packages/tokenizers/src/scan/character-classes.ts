import { WHITE_SPACE } from '../pipeline/unicode.ts';

/**
 * Classes of characters that the patterns tell apart, one bit each; every character is in exactly one. Letters of
 * English contractions (`'s 't 'm 'd 're 've 'll`) are classes of their own in either case.
 */
export const LOWER_SDMT = 1 << 0;
export const LOWER_RV = 1 << 1;
export const LOWER_E = 1 << 2;
export const LOWER_L = 1 << 3;
/** The long s `ſ`, an s where case is ignored. */
export const LONG_S = 1 << 4;
const OTHER_LOWER = 1 << 5;
export const UPPER_SDMT = 1 << 6;
export const UPPER_RV = 1 << 7;
export const UPPER_E = 1 << 8;
export const UPPER_L = 1 << 9;
const OTHER_UPPER = 1 << 10;
/** Lm and Lo: letters of no case. */
export const UNCASED = 1 << 11;
export const MARK = 1 << 12;
export const NUMBER = 1 << 13;
export const BLANK = 1 << 14;
export const NEWLINE = 1 << 15;
/** The other white space, by the length of its UTF-8. */
export const SPACE_1 = 1 << 16;
export const SPACE_2 = 1 << 17;
export const SPACE_3 = 1 << 18;
export const APOSTROPHE = 1 << 19;
export const SLASH = 1 << 20;
const OTHER = 1 << 21;
/** Where the text ends. */
export const END = 1 << 22;

/** Ll */
export const LOWER = LOWER_SDMT | LOWER_RV | LOWER_E | LOWER_L | LONG_S | OTHER_LOWER;
/** Lu and Lt */
export const UPPER = UPPER_SDMT | UPPER_RV | UPPER_E | UPPER_L | OTHER_UPPER;
/** `\p{L}` */
export const LETTER = LOWER | UPPER | UNCASED;
/** `[^\s\p{L}\p{N}\p{M}]` */
export const SYMBOL = APOSTROPHE | SLASH | OTHER;

/** Members of Unicode's categories, then single characters that are classes of their own. */
const CATEGORIES: readonly (readonly [RegExp, number])[] = [
  [/\p{Ll}+/gu, OTHER_LOWER],
  [/[\p{Lu}\p{Lt}]+/gu, OTHER_UPPER],
  [/[\p{Lm}\p{Lo}]+/gu, UNCASED],
  [/\p{M}+/gu, MARK],
  [/\p{N}+/gu, NUMBER],
  [new RegExp(`[${WHITE_SPACE}]+`, 'gv'), SPACE_1],
  [/[sdmt]/g, LOWER_SDMT],
  [/[rv]/g, LOWER_RV],
  [/e/g, LOWER_E],
  [/l/g, LOWER_L],
  [/ſ/g, LONG_S],
  [/[SDMT]/g, UPPER_SDMT],
  [/[RV]/g, UPPER_RV],
  [/E/g, UPPER_E],
  [/L/g, UPPER_L],
  [/ /g, BLANK],
  [/[\r\n]/g, NEWLINE],
  [/'/g, APOSTROPHE],
  [/\//g, SLASH],
];

const indexOf = (bit: number) => 31 - Math.clz32(bit);

const PAGE = 0x400;
const pages: (Uint8Array | undefined)[] = [];

/** The classes, by index, of a thousand characters. */
function readPage(page: number): Uint8Array {
  const from = page * PAGE;
  const text = String.fromCodePoint(...Array.from({ length: PAGE }, (_, i) => from + i));
  const width = from > 0xffff ? 2 : 1;
  const classes = new Uint8Array(PAGE).fill(indexOf(OTHER));
  for (const [expression, bit] of CATEGORIES) {
    for (const { 0: run, index } of text.matchAll(expression)) {
      classes.fill(indexOf(bit), index / width, (index + run.length) / width);
    }
  }
  for (let i = 0; i < PAGE; i++) {
    if (classes[i] === indexOf(SPACE_1)) classes[i]! += Number(from + i >= 0x80) + Number(from + i >= 0x800);
  }
  return classes;
}

/** The index of a character's class: its bit is `1 << index`. */
export function classOf(point: number): number {
  const page = point >> 10;
  pages[page] ??= readPage(page);
  return pages[page][point & (PAGE - 1)]!;
}

/** What {@link byteClasses} has for the first byte of a longer character. */
export const LONGER = 31;

let bytes: Uint8Array | undefined;

/** The index of the class of each character of one byte; 0xff, which UTF-8 does not use, is the end of the text. */
export function byteClasses(): Uint8Array {
  if (!bytes) {
    bytes = new Uint8Array(256).fill(LONGER);
    for (let byte = 0; byte < 0x80; byte++) bytes[byte] = classOf(byte);
    bytes[0xff] = indexOf(END);
  }
  return bytes;
}
