import type { ByteLevelBpe } from '../bpe/byte-level-bpe.ts';
import type { IdBuffer } from '../pipeline/id-buffer.ts';
import type { Scanner } from './scanners.ts';
import { writeUnits } from './units.ts';
import { WordCache } from './word-cache.ts';

/** UTF-16 units that are read at once; more only where no word ends for so long. */
const WINDOW = 2 ** 14;

/** From normalized text straight to ids: a scanner cuts words, a cache knows most of them, the model does the rest. */
export class WordEncoder {
  readonly #scan: Scanner;
  readonly #model: ByteLevelBpe;
  #cache: WordCache | undefined;
  #units = new Uint16Array(0);

  constructor(scan: Scanner, model: ByteLevelBpe) {
    this.#scan = scan;
    this.#model = model;
  }

  /** How many words are cached. */
  get cacheSize(): number {
    return this.#cache?.size ?? 0;
  }

  encode(text: string, start: number, end: number, buffer: IdBuffer): void {
    for (let from = start; from < end; ) {
      const to = windowEnd(text, from, end);
      this.#encodeWindow(text, from, to, buffer);
      from = to;
    }
    if (this.#units.length > 2 * WINDOW) this.#units = new Uint16Array(0); // what one long run needed
  }

  #encodeWindow(text: string, from: number, to: number, buffer: IdBuffer): void {
    this.#cache ??= new WordCache();
    const cache = this.#cache;
    const scan = this.#scan;
    const length = to - from;
    if (this.#units.length < length) this.#units = new Uint16Array(Math.max(length, WINDOW));
    const units = this.#units;
    writeUnits(text, from, to, units);
    for (let at = 0; at < length; ) {
      const next = scan(units, at, length);
      if (!cache.emit(units, at, next, buffer)) {
        const symbols = this.#model.encodeWord(text, from + at, from + next);
        for (let i = 0; i < symbols.length; i++) buffer.push(symbols.ids[i]!);
        if (symbols.length > 0) cache.add(units, at, next, symbols.ids, symbols.length);
      }
      at = next;
    }
  }
}

/**
 * Where to stop reading: at the end, or between a letter or digit and a space or line feed, where every scanner ends a word
 * whatever stands around it.
 */
function windowEnd(text: string, from: number, end: number): number {
  for (let size = WINDOW; from + size < end; size *= 2) {
    for (let to = from + size; to > from; to--) {
      const next = text.charCodeAt(to);
      if ((next === 0x20 || next === 0x0a) && isAlphanumeric(text.charCodeAt(to - 1))) return to;
    }
  }
  return end;
}

function isAlphanumeric(unit: number): boolean {
  const lower = unit | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
}
