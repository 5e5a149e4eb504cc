import type { IdBuffer } from '../pipeline/id-buffer.ts';

/** Longer words are not kept. */
const MAX_WORD = 64;
/** To begin with; it doubles as words come, up to the most, and then begins anew. */
const LEAST_SLOTS = 2 ** 14;
const MOST_SLOTS = 2 ** 18;
/** Room for each slot: a word for every second, eight UTF-16 units and two ids. 10 MB at most. */
const UNITS_PER_SLOT = 8;
const IDS_PER_SLOT = 2;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** The ids of words seen before, found without cutting the word out of its text, which comes as UTF-16 units. Of bounded size. */
export class WordCache {
  /** Four entries a slot: hash; where the word begins in `#units`; its length and number of ids; id, or where they begin. */
  #slots = new Int32Array(LEAST_SLOTS * 4);
  #units = new Uint16Array(LEAST_SLOTS * UNITS_PER_SLOT);
  #ids = new Int32Array(LEAST_SLOTS * IDS_PER_SLOT);
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
  emit(text: Uint16Array, start: number, end: number, buffer: IdBuffer): boolean {
    const length = end - start;
    if (length > MAX_WORD) return false;
    let hash = FNV_OFFSET;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text[i]!, FNV_PRIME);
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const units = this.#units;
    const mask = slots.length - 1;
    let slot = (hash << 2) & mask;
    search: for (; ; slot = (slot + 4) & mask) {
      const lengths = slots[slot + 2]!;
      if (lengths === 0) break;
      if (slots[slot] !== hash || (lengths & 0xff) !== length) continue;
      const from = slots[slot + 1]!;
      for (let i = 0; i < length; i++) if (units[from + i] !== text[start + i]!) continue search;
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
  add(text: Uint16Array, start: number, end: number, ids: Int32Array, count: number): void {
    const length = end - start;
    if (length > MAX_WORD) return;
    const isFull =
      this.#wordCount * 8 >= this.#slots.length ||
      this.#unitCount + length > this.#units.length ||
      this.#idCount + count > this.#ids.length;
    if (isFull) {
      if (this.#slots.length < MOST_SLOTS * 4) this.#grow();
      else this.#clear();
      this.#freeSlot = freeSlot(this.#slots, this.#hash);
    }
    const slot = this.#freeSlot;
    this.#slots[slot] = this.#hash;
    this.#slots[slot + 1] = this.#unitCount;
    this.#slots[slot + 2] = length | (count << 8);
    for (let i = start; i < end; i++) this.#units[this.#unitCount++] = text[i]!;
    if (count === 1) this.#slots[slot + 3] = ids[0]!;
    else {
      this.#slots[slot + 3] = this.#idCount;
      for (let i = 0; i < count; i++) this.#ids[this.#idCount++] = ids[i]!;
    }
    this.#wordCount++;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    for (let slot = 0; slot < old.length; slot += 4) {
      if (old[slot + 2] !== 0)
        this.#slots.set(old.subarray(slot, slot + 4), freeSlot(this.#slots, old[slot]!));
    }
    const units = new Uint16Array(2 * this.#units.length);
    units.set(this.#units);
    this.#units = units;
    const ids = new Int32Array(2 * this.#ids.length);
    ids.set(this.#ids);
    this.#ids = ids;
  }

  #clear(): void {
    this.#slots.fill(0);
    this.#wordCount = 0;
    this.#unitCount = 0;
    this.#idCount = 0;
  }
}

/** The first free slot for a word of this hash. */
function freeSlot(slots: Int32Array, hash: number): number {
  const mask = slots.length - 1;
  let slot = (hash << 2) & mask;
  while (slots[slot + 2] !== 0) slot = (slot + 4) & mask;
  return slot;
}
