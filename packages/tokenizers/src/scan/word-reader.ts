import { findWords, type Scanner } from './scanner.ts';

/** UTF-16 units that are read at once; more only where no word ends for so long. */
const WINDOW = 2 ** 13;
/** Bytes that may be read behind those of the text. */
const PADDING = 16;
const ROOM = 3 * WINDOW + PADDING;

const utf8 = /* @__PURE__ */ new TextEncoder();

/** Cuts texts into words, a window at a time, as UTF-8: a lone surrogate is U+FFFD. */
export class WordReader {
  readonly #scanner: Scanner;
  /** Words that were read, one after another, and some bytes more. */
  bytes = new Uint8Array(0);
  /** The same bytes. */
  view = new DataView(this.bytes.buffer);
  /** Where in `bytes` each word ends. */
  ends = new Int32Array(0);

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  /** Reads all of `text[start, end)`, and calls `visit` with the number of words whenever there are some. */
  read(text: string, start: number, end: number, visit: (count: number) => void): void {
    let kept = 0; // bytes of a word that may not end here
    for (let from = start; from < end; ) {
      const to = windowEnd(text, from, end, Math.max(WINDOW, kept));
      this.#makeRoom(kept, 3 * (to - from));
      const target = kept === 0 ? this.bytes : this.bytes.subarray(kept);
      let length = kept + utf8.encodeInto(text.slice(from, to), target).written;
      if (to === end) this.bytes[length++] = 0xff;
      const found = findWords(this.#scanner, this.bytes, length, this.ends);
      const count = to === end ? found : found - 1;
      if (count > 0) visit(count);
      const read = count > 0 ? this.ends[count - 1]! : 0;
      kept = length - read;
      if (read > 0) this.bytes.copyWithin(0, read, length);
      from = to;
    }
    if (this.bytes.length > 2 * ROOM) this.#allocate(0); // what one long word needed
  }

  /** Calls `visit` with where each word of a text lies, in UTF-16 units. */
  readUnits(text: string, visit: (start: number, end: number) => void): void {
    let unit = 0;
    this.read(text, 0, text.length, (count) => {
      let at = 0;
      for (let word = 0; word < count; word++) {
        const start = unit;
        for (const end = this.ends[word]!; at < end; at++) {
          const byte = this.bytes[at]!;
          // A character of four bytes is two units; the bytes that continue a character are none.
          unit += byte >= 0xf0 ? 2 : (byte & 0xc0) === 0x80 ? 0 : 1;
        }
        visit(start, unit);
      }
    });
  }

  #makeRoom(kept: number, more: number): void {
    const room = kept + more + PADDING;
    if (room <= this.bytes.length) return;
    const before = this.bytes;
    this.#allocate(Math.max(room, ROOM));
    this.bytes.set(before.subarray(0, kept));
  }

  #allocate(room: number): void {
    this.bytes = new Uint8Array(room);
    this.view = new DataView(this.bytes.buffer);
    this.ends = new Int32Array(room);
  }
}

/** Where to stop reading: not inside a surrogate pair. */
function windowEnd(text: string, from: number, end: number, size: number): number {
  const to = from + size;
  if (to >= end) return end;
  return (text.charCodeAt(to - 1) & 0xfc00) === 0xd800 ? to - 1 : to;
}
