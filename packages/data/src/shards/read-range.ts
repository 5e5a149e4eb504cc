import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ShardSourceError } from './errors.ts';
import { MAX_DOCUMENT_BYTES, tooLong } from './limits.ts';

/** How much of a file is looked at at once for a place to cut. */
const BLOCK = 2 ** 16;
/** How far a cut of a text may be put off so that it falls well. */
const PATIENCE = 2 ** 20;

/** Part of a file, and where in it that begins. */
export interface Range {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/**
 * The lines of a file that begin in [start, end): ranges that follow one another give every line once, whichever way the file
 * is divided.
 *
 * @throws ShardSourceError for a line beyond the limit, or a file that has become shorter
 */
export function readLines(path: string, start: number, end: number): Range {
  return readBetween(path, start, end, lineStart);
}

/**
 * A piece of a long text, by the same rule, but cut before the first space between two letters of ASCII. There no split pattern in
 * use joins what is before with what is behind, so that the pieces' ids are the text's (a SentencePiece model may put a space more at the
 * beginning of a piece). Where there is none in a megabyte, it is cut at a line.
 *
 * @throws ShardSourceError as `readLines`
 */
export function readPiece(path: string, start: number, end: number): Range {
  return readBetween(
    path,
    start,
    end,
    (file, position) => firstCut(file, position, PATIENCE, isBetweenWords) ?? lineStart(file, position),
  );
}

interface OpenFile {
  readonly path: string;
  readonly size: number;
  read(start: number, end: number): Uint8Array;
}

/** @param cut where a piece that should begin at a position really begins; undefined where there is no such place in reach */
function readBetween(
  path: string,
  start: number,
  end: number,
  cut: (file: OpenFile, position: number) => number | undefined,
): Range {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const read = (from: number, to: number): Uint8Array => {
      const bytes = new Uint8Array(Math.max(0, Math.min(to, size) - from));
      for (let filled = 0; filled < bytes.length; ) {
        const count = readSync(descriptor, bytes, filled, bytes.length - filled, from + filled);
        if (count === 0) throw new ShardSourceError(path, 'it became shorter while it was read');
        filled += count;
      }
      return bytes;
    };
    const place = (position: number): number => {
      const found = cut({ path, size, read }, position);
      if (found === undefined) throw tooLong(path, position);
      return found;
    };
    const from = place(start);
    return { bytes: read(from, Math.max(from, place(end))), offset: from };
  } finally {
    closeSync(descriptor);
  }
}

function lineStart(file: OpenFile, position: number): number | undefined {
  return firstCut(file, position, MAX_DOCUMENT_BYTES, (bytes, i) => bytes[i - 1] === NEWLINE);
}

function isBetweenWords(bytes: Uint8Array, i: number): boolean {
  return bytes[i] === SPACE && isLetter(bytes[i - 1]) && isLetter(bytes[i + 1]);
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

function isLetter(byte: number | undefined): boolean {
  const lower = (byte ?? 0) | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/**
 * The first place at `position` or behind it where a file may be cut; the beginning and the end are such places. Undefined where
 * there is none within `reach`.
 */
function firstCut(
  { size, read }: OpenFile,
  position: number,
  reach: number,
  isCut: (bytes: Uint8Array, i: number) => boolean,
): number | undefined {
  if (position === 0 || position >= size) return Math.min(position, size);
  for (let block = position; block < position + reach; block += BLOCK) {
    if (block >= size) return size;
    const bytes = read(block - 1, block + BLOCK + 1); // a byte more on either side
    for (let i = 1; i <= BLOCK && i < bytes.length; i++) if (isCut(bytes, i)) return block - 1 + i;
  }
  return undefined;
}
