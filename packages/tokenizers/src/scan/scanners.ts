import {
  after,
  classAt,
  LETTER,
  LOWER,
  NEWLINE,
  NUMBER,
  OTHER,
  runEnd,
  SPACE,
  UPPER,
  unitClasses,
} from './character-classes.ts';

/**
 * Where the word that begins at `at` ends; `end` is the end of the text, which comes as UTF-16 units. Words follow each other
 * without a gap.
 */
export type Scanner = (text: Uint16Array, at: number, end: number) => number;

const APOSTROPHE = 0x27;
const BLANK = 0x20;
const SLASH = 0x2f;

/** Where `'s 't 'm 'd 're 've 'll` at `at` ends, or `at`. */
function contractionEnd(text: Uint16Array, at: number, end: number, ignoreCase: boolean): number {
  if (at + 1 >= end || text[at]! !== APOSTROPHE) return at;
  const fold = ignoreCase ? 0x20 : 0;
  let next = text[at + 1]!;
  // The long s is an s of another case.
  next = ignoreCase && next === 0x17f ? 0x73 : next | (next < 0x80 ? fold : 0);
  if (next === 0x73 || next === 0x74 || next === 0x6d || next === 0x64) return at + 2;
  if (at + 2 >= end) return at;
  const last = text[at + 2]! | fold;
  const isPair = ((next === 0x72 || next === 0x76) && last === 0x65) || (next === 0x6c && last === 0x6c);
  return isPair ? at + 3 : at;
}

/**
 * `\s+(?!\S)|\s+`: white space at `at` that ends at `spaceEnd`, without the last one where a word follows, which may
 * take it.
 */
function spacesEnd(at: number, spaceEnd: number, end: number): number {
  return spaceEnd === end || spaceEnd - at === 1 ? spaceEnd : spaceEnd - 1;
}

/**
 * GPT-2's pattern. With `digits`, every number stands alone first and the pattern holds between numbers, as
 * StarCoder and SmolLM have it.
 */
export function gpt2Scanner(digits: boolean): Scanner {
  const classes = unitClasses();
  return (text, at, end) => {
    const first = text[at]!;
    if (first === APOSTROPHE) {
      const contraction = contractionEnd(text, at, end, false);
      if (contraction > at) return contraction;
    }
    let from = at;
    let kind = classAt(classes, text, at, end);
    if (first === BLANK && at + 1 < end) {
      const next = classAt(classes, text, at + 1, end);
      if ((next & SPACE) === 0 && !(digits && (next & NUMBER) !== 0)) {
        from = at + 1;
        kind = next;
      }
    }
    if ((kind & LETTER) !== 0) return runEnd(classes, text, from, end, LETTER);
    if ((kind & NUMBER) !== 0)
      return digits ? after(text, from, end) : runEnd(classes, text, from, end, NUMBER);
    if ((kind & OTHER) !== 0) return runEnd(classes, text, from, end, OTHER);
    const spaceEnd = runEnd(classes, text, at, end, SPACE);
    if (digits && spaceEnd < end && (classAt(classes, text, spaceEnd, end) & NUMBER) !== 0) return spaceEnd;
    return spacesEnd(at, spaceEnd, end);
  };
}

/** The pattern of GPT-4 (cl100k) and Llama 3 with up to three digits, of Qwen 2 with one. */
export function gpt4Scanner(maxDigits: number): Scanner {
  const classes = unitClasses();
  return (text, at, end) => {
    const first = text[at]!;
    if (first === APOSTROPHE) {
      const contraction = contractionEnd(text, at, end, true);
      if (contraction > at) return contraction;
    }
    const kind = classAt(classes, text, at, end);
    if ((kind & LETTER) !== 0) return runEnd(classes, text, at, end, LETTER);
    if ((kind & (NEWLINE | NUMBER)) === 0) {
      const second = after(text, at, end);
      if (second < end && (classAt(classes, text, second, end) & LETTER) !== 0) {
        return runEnd(classes, text, second, end, LETTER);
      }
    }
    if ((kind & NUMBER) !== 0) return digitsEnd(classes, text, at, end, maxDigits);
    const other = otherStart(classes, text, at, end, first, kind);
    if (other >= 0) return runEnd(classes, text, runEnd(classes, text, other, end, OTHER), end, NEWLINE);
    return lineOrSpacesEnd(classes, text, at, end);
  };
}

/** The pattern of GPT-4o (o200k): words change from upper to lower case once, and take their contraction with them. */
export function o200kScanner(): Scanner {
  const classes = unitClasses();
  return (text, at, end) => {
    const first = text[at]!;
    const kind = classAt(classes, text, at, end);
    if ((kind & (NEWLINE | NUMBER)) === 0) {
      const word = casedWordEnd(classes, text, at, end, kind);
      if (word > at) return contractionEnd(text, word, end, true);
    }
    if ((kind & NUMBER) !== 0) return digitsEnd(classes, text, at, end, 3);
    const other = otherStart(classes, text, at, end, first, kind);
    if (other >= 0) {
      let i = runEnd(classes, text, other, end, OTHER);
      while (i < end && ((classes[text[i]!]! & NEWLINE) !== 0 || text[i]! === SLASH)) i++;
      return i;
    }
    return lineOrSpacesEnd(classes, text, at, end);
  };
}

/** `[^\r\n\p{L}\p{N}]?U*L+|[^\r\n\p{L}\p{N}]?U+L*`: the first alternative before the second, each with its prefix first. */
function casedWordEnd(classes: Uint8Array, text: Uint16Array, at: number, end: number, kind: number): number {
  const second = (kind & LETTER) === 0 ? after(text, at, end) : -1;
  const prefixed = second >= 0 && second < end;
  if (prefixed) {
    const word = lowerEnd(classes, text, second, end);
    if (word > second) return word;
  }
  const plain = lowerEnd(classes, text, at, end);
  if (plain > at) return plain;
  if (prefixed) {
    const upper = runEnd(classes, text, second, end, UPPER);
    if (upper > second) return upper;
  }
  return runEnd(classes, text, at, end, UPPER);
}

/** Where `U*L+` from `at` ends, or `at`. Where nothing lower follows, `U*` gives back to a character that is both. */
function lowerEnd(classes: Uint8Array, text: Uint16Array, at: number, end: number): number {
  const upper = runEnd(classes, text, at, end, UPPER);
  const lower = runEnd(classes, text, upper, end, LOWER);
  if (lower > upper) return lower;
  for (let i = upper; i > at; ) {
    const to = i;
    i -= i - 2 >= at && after(text, i - 2, end) === i ? 2 : 1;
    if ((classAt(classes, text, i, end) & LOWER) !== 0) return to;
  }
  return at;
}

function digitsEnd(classes: Uint8Array, text: Uint16Array, at: number, end: number, most: number): number {
  let i = at;
  for (let count = 0; count < most && i < end && (classAt(classes, text, i, end) & NUMBER) !== 0; count++) {
    i = after(text, i, end);
  }
  return i;
}

/** Where the run of ` ?[^\s\p{L}\p{N}]+` begins after its space, or -1. */
function otherStart(
  classes: Uint8Array,
  text: Uint16Array,
  at: number,
  end: number,
  first: number,
  kind: number,
): number {
  if ((kind & OTHER) !== 0) return at;
  return first === BLANK && at + 1 < end && (classAt(classes, text, at + 1, end) & OTHER) !== 0 ? at + 1 : -1;
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+` */
function lineOrSpacesEnd(classes: Uint8Array, text: Uint16Array, at: number, end: number): number {
  const spaceEnd = runEnd(classes, text, at, end, SPACE);
  for (let i = spaceEnd; i > at; i--) if ((classes[text[i - 1]!]! & NEWLINE) !== 0) return i;
  return spacesEnd(at, spaceEnd, end);
}
