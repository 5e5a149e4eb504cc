import { byteClasses, classOf, LONGER } from './character-classes.ts';

/**
 * A state machine that marks where words end, made by {@link scannerOf}. Each state has a row of 32 entries, one for each
 * class of characters: where the next state's row begins in bits 0–11, how far back the end lies in bits 12–15, and from
 * bit 16 how many ends there are, as {@link Rule} has it.
 */
export type Scanner = Int32Array;

const CLASSES = 32;
const ROW = 0xfff;

/**
 * What characters of some classes do in some states:
 *
 * - the state that they lead to; none given, the state that they lead to at the beginning of a word;
 * - how many words end: 0 for none, as by default; 1; 2, where the second ends right before the character; -1, where
 *   the last end that was found is none after all;
 * - how many bytes before the character the (first) word ends, 0 by default.
 */
export type Rule = readonly [
  states: readonly string[],
  classes: number,
  next?: string,
  ends?: -1 | 0 | 1 | 2,
  back?: number,
];

/** Where a text and its words begin. */
export const START = 'start';

/**
 * Makes rules into a scanner. Later rules go before earlier ones. Where no rule says anything, a word ends before the
 * character, and another begins with it.
 */
export function scannerOf(rules: readonly Rule[]): Scanner {
  const states = [...new Set([START, ...rules.flatMap(([from, , to]) => (to ? [...from, to] : from))])];
  const rowOf = (state: string) => states.indexOf(state) * CLASSES;
  const scanner = new Int32Array(states.length * CLASSES);
  const apply = ([from, classes, to, ends = 0, back = 0]: Rule) => {
    for (const row of from.map(rowOf)) {
      for (let kind = 0; kind < CLASSES; kind++) {
        if ((classes & (1 << kind)) === 0) continue;
        const next = to ? rowOf(to) : scanner[kind]! & ROW;
        scanner[row + kind] = next | (back << 12) | (ends << 16);
      }
    }
  };
  const isStart = ([[state]]: Rule) => state === START;
  rules.filter(isStart).forEach(apply);
  apply([states.slice(1), -1, undefined, 1]);
  rules.filter((rule) => !isStart(rule)).forEach(apply);
  return scanner;
}

/**
 * Finds words, which follow each other without a gap.
 *
 * @param bytes well-formed UTF-8, with 0xff where the text ends, if it ends here
 * @param length bytes to read, that end included
 * @param ends where to write the index at which each word ends: room for `length` and one more. Without the end of the text
 * the last one may be none.
 * @returns how many there are
 */
export function findWords(scanner: Scanner, bytes: Uint8Array, length: number, ends: Int32Array): number {
  const classes = byteClasses();
  let entry = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const at = i;
    let kind = classes[bytes[i]!]!;
    if (kind === LONGER) {
      kind = classOf(codePointAt(bytes, i));
      i += bytes[i]! < 0xe0 ? 1 : bytes[i]! < 0xf0 ? 2 : 3;
    }
    entry = scanner[(entry & ROW) + kind]!;
    // Written whether or not they are ends: what comes next overwrites what does not count. There is no branch to guess.
    ends[count] = at - ((entry >> 12) & 15);
    ends[count + 1] = at;
    count += entry >> 16;
  }
  return count;
}

function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  const second = bytes[at + 1]! & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = bytes[at + 2]! & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3]! & 0x3f);
}
