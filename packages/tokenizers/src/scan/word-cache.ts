import type { IdBuffer } from '../pipeline/id-buffer.ts';

/** Longer words are not kept. */
const MAX_WORD = 64;
const SLOTS = 2 ** 17;
/** Words, their UTF-16 units in all, and ids in all: when one is reached, the cache begins anew. 5 MB at most. */
const MAX_WORDS = SLOTS / 2;
const MAX_UNITS = 2 ** 20;
const MAX_IDS = 2 ** 18;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** The ids of words seen before, found without cutting the word out of its text. Of bounded size. */
export class WordCache {
  /** Four entries a slot: hash; where the word begins in `#units`; its length and number of ids; id, or where they begin. */
  readonly #slots = new Int32Array(SLOTS * 4);
  readonly #units = new Uint16Array(MAX_UNITS);
  readonly #ids = new Int32Array(MAX_IDS);
  #wordCount = 0;
  #unitCount = 0;
  #idCount = 0;
  /** Where the word that `emit` did not find belongs. */
  #freeSlot = 0;
  #hash = 0;

  /** How many words it holds. */
  get size(): number {
    return this.#wordCount;
  }

  /** Appends the ids of `text[start, end)` to the buffer if it knows them. */
  emit(text: string, start: number, end: number, buffer: IdBuffer): boolean {
    const length = end - start;
    if (length > MAX_WORD) return false;
    let hash = FNV_OFFSET;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const units = this.#units;
    let slot = (hash & (SLOTS - 1)) * 4;
    search: for (; ; slot = (slot + 4) & (SLOTS * 4 - 1)) {
      const lengths = slots[slot + 2]!;
      if (lengths === 0) break;
      if (slots[slot] !== hash || (lengths & 0xff) !== length) continue;
      const from = slots[slot + 1]!;
      for (let i = 0; i < length; i++) if (units[from + i] !== text.charCodeAt(start + i)) continue search;
      const count = lengths >>> 8;
      const value = slots[slot + 3]!;
      if (count === 1) buffer.push(value);
      else for (let i = 0; i < count; i++) buffer.push(this.#ids[value + i]!);
      return true;
    }
    this.#freeSlot = slot;
    this.#hash = hash;
    return false;
  }

  /** Keeps the ids of the word that `emit` has just not found. */
  add(text: string, start: number, end: number, ids: Int32Array, count: number): void {
    const length = end - start;
    if (length > MAX_WORD) return;
    const isFull =
      this.#wordCount >= MAX_WORDS || this.#unitCount + length > MAX_UNITS || this.#idCount + count > MAX_IDS;
    if (isFull) {
      this.#slots.fill(0);
      this.#wordCount = 0;
      this.#unitCount = 0;
      this.#idCount = 0;
      this.#freeSlot = (this.#hash & (SLOTS - 1)) * 4;
    }
    const slot = this.#freeSlot;
    this.#slots[slot] = this.#hash;
    this.#slots[slot + 1] = this.#unitCount;
    this.#slots[slot + 2] = length | (count << 8);
    for (let i = start; i < end; i++) this.#units[this.#unitCount++] = text.charCodeAt(i);
    if (count === 1) this.#slots[slot + 3] = ids[0]!;
    else {
      this.#slots[slot + 3] = this.#idCount;
      for (let i = 0; i < count; i++) this.#ids[this.#idCount++] = ids[i]!;
    }
    this.#wordCount++;
  }
}
