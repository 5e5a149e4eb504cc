import { WHITE_SPACE } from '../pipeline/unicode.ts';

/** Classes of characters, as bits. Every character is a letter, a number, a white space, or OTHER. */
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 4;
/** `\r` or `\n`, besides being a white space. */
export const NEWLINE = 8;
/** Lu, Lt, Lm, Lo, M: what o200k's words begin with. */
export const UPPER = 16;
/** Ll, Lm, Lo, M: what o200k's words go on with. */
export const LOWER = 32;
/** Neither letter, number nor white space; marks are here. A lone surrogate counts as the U+FFFD that stands for it. */
export const OTHER = 64;
/** Half of a character: only in the table of UTF-16 units. */
const SURROGATE = 128;

const MEMBERS: readonly (readonly [RegExp, number])[] = [
  [/\p{L}+/gu, LETTER],
  [/\p{N}+/gu, NUMBER],
  [new RegExp(`[${WHITE_SPACE}]+`, 'gv'), SPACE],
  [/[\r\n]+/g, NEWLINE],
  [/[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+/gu, UPPER],
  [/[\p{Ll}\p{Lm}\p{Lo}\p{M}]+/gu, LOWER],
];

const PAGE = 0x400;

/** The classes of code points [from, from + count). */
function classify(from: number, count: number): Uint8Array {
  let text = '';
  for (let page = from; page < from + count; page += PAGE) {
    text += String.fromCodePoint(
      ...Array.from({ length: Math.min(PAGE, from + count - page) }, (_, i) => page + i),
    );
  }
  const width = from > 0xffff ? 2 : 1;
  const classes = new Uint8Array(count);
  for (const [expression, bit] of MEMBERS) {
    for (const { 0: run, index } of text.matchAll(expression)) {
      for (let i = index / width; i < (index + run.length) / width; i++) classes[i]! |= bit;
    }
  }
  for (let i = 0; i < count; i++) if ((classes[i]! & (LETTER | NUMBER | SPACE)) === 0) classes[i]! |= OTHER;
  return classes;
}

let table: Uint8Array | undefined;

/** The class of each UTF-16 unit. */
export function unitClasses(): Uint8Array {
  if (!table) {
    table = new Uint8Array(0x10000);
    table.set(classify(0, 0xd800));
    table.fill(SURROGATE, 0xd800, 0xe000);
    table.set(classify(0xe000, 0x2000), 0xe000);
  }
  return table;
}

const astralPages: (Uint8Array | undefined)[] = [];

function astralClass(point: number): number {
  const page = (point - 0x10000) >> 10;
  let classes = astralPages[page];
  if (!classes) {
    classes = classify(0x10000 + page * PAGE, PAGE);
    astralPages[page] = classes;
  }
  return classes[point & (PAGE - 1)]!;
}

/** Whether a whole surrogate pair begins at `at`. */
function isPair(text: Uint16Array, at: number, end: number): boolean {
  if (at + 1 >= end || (text[at]! & 0xfc00) !== 0xd800) return false;
  return (text[at + 1]! & 0xfc00) === 0xdc00;
}

/** The class of the character at `at`. */
export function classAt(classes: Uint8Array, text: Uint16Array, at: number, end: number): number {
  const found = classes[text[at]!]!;
  if (found !== SURROGATE) return found;
  return isPair(text, at, end)
    ? astralClass(0x10000 + ((text[at]! & 0x3ff) << 10) + (text[at + 1]! & 0x3ff))
    : OTHER;
}

/** Where the character at `at` ends. */
export function after(text: Uint16Array, at: number, end: number): number {
  return isPair(text, at, end) ? at + 2 : at + 1;
}

/** Where the run of characters of any class in `mask` that begins at `at` ends. */
export function runEnd(
  classes: Uint8Array,
  text: Uint16Array,
  at: number,
  end: number,
  mask: number,
): number {
  let i = at;
  while (i < end) {
    const found = classes[text[i]!]!;
    if ((found & mask) !== 0) i++;
    else if (found === SURROGATE && (classAt(classes, text, i, end) & mask) !== 0) i = after(text, i, end);
    else break;
  }
  return i;
}
