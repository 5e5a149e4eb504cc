/** Longer words, in bytes, are not kept. */
const MAX_WORD = 64;
/** To begin with; it doubles as words come, up to the most, and then begins anew. */
const LEAST_SLOTS = 2 ** 14;
const MOST_SLOTS = 2 ** 18;
/** Room for each slot: a word for every second, 16 bytes of longer words, and two ids. 10 MB at most. */
const LANES_PER_SLOT = 4;
const IDS_PER_SLOT = 2;
/** How many slots from its first a word may lie: somebody may choose words whose hashes collide. */
const MAX_STEPS = 16;

/** The bits of the first four bytes of a word of each length, up to eight, and of the next four. */
const FIRST_FOUR = /* @__PURE__ */ Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1, -1);
const NEXT_FOUR = /* @__PURE__ */ Int32Array.of(0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff, -1);

/**
 * The ids of words seen before, found without cutting the word out of its text: it is compared four bytes, a lane, at a
 * time. Words come as a view of UTF-8 with at least eight bytes more behind them. Of bounded size.
 */
export class WordCache {
  /**
   * Four entries a slot: a word of up to eight bytes, or the hash of a longer one and where it begins in `#lanes`; its
   * length and number of ids; its id, or where they begin in `#ids`.
   */
  #slots = new Int32Array(LEAST_SLOTS * 4);
  #lanes = new Int32Array(LEAST_SLOTS * LANES_PER_SLOT);
  #ids = new Int32Array(LEAST_SLOTS * IDS_PER_SLOT);
  #wordCount = 0;
  #laneCount = 0;
  #idCount = 0;

  /** How many words it holds. */
  get size(): number {
    return this.#wordCount;
  }

  /** Writes the ids of the word [start, end) to `ids` from index `at`. Returns where they end; -1 where it does not know the word. */
  emit(view: DataView, start: number, end: number, ids: Int32Array, at: number): number {
    const slot = end - start <= 8 ? this.#findShort(view, start, end) : this.#findLong(view, start, end);
    if (slot < 0) return -1;
    const count = this.#slots[slot + 2]! >>> 8;
    const value = this.#slots[slot + 3]!;
    if (count === 1) ids[at] = value;
    else for (let i = 0; i < count; i++) ids[at + i] = this.#ids[value + i]!;
    return at + count;
  }

  #findShort(view: DataView, start: number, end: number): number {
    const length = end - start;
    const first = view.getInt32(start, true) & FIRST_FOUR[length]!;
    const next = view.getInt32(start + 4, true) & NEXT_FOUR[length]!;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hashOfShort(first, next) << 2) & mask;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const lengths = slots[slot + 2]!;
      if (lengths === 0) break;
      if (slots[slot] === first && slots[slot + 1] === next && (lengths & 0xff) === length) return slot;
      slot = (slot + 4) & mask;
    }
    return -1;
  }

  #findLong(view: DataView, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_WORD) return -1;
    const hash = hashOfLong(view, start, end);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash << 2) & mask;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const lengths = slots[slot + 2]!;
      if (lengths === 0) break;
      if (
        slots[slot] === hash &&
        (lengths & 0xff) === length &&
        this.#isAt(slots[slot + 1]!, view, start, end)
      )
        return slot;
      slot = (slot + 4) & mask;
    }
    return -1;
  }

  #isAt(lane: number, view: DataView, start: number, end: number): boolean {
    const lanes = this.#lanes;
    let own = lane;
    for (let at = start; at < end; at += 4) if (lanes[own++] !== laneAt(view, at, end)) return false;
    return true;
  }

  /** Keeps the ids of a word that `emit` does not know. */
  add(view: DataView, start: number, end: number, ids: Int32Array, count: number): void {
    const length = end - start;
    if (length > MAX_WORD) return;
    const isFull =
      this.#wordCount * 8 >= this.#slots.length ||
      this.#laneCount + MAX_WORD / 4 > this.#lanes.length ||
      this.#idCount + count > this.#ids.length;
    if (isFull) {
      if (this.#slots.length < MOST_SLOTS * 4) this.#grow();
      else this.#clear();
    }
    const entry = Int32Array.of(0, 0, length | (count << 8), count === 1 ? ids[0]! : this.#idCount);
    if (length <= 8) {
      entry[0] = view.getInt32(start, true) & FIRST_FOUR[length]!;
      entry[1] = view.getInt32(start + 4, true) & NEXT_FOUR[length]!;
    } else {
      entry[0] = hashOfLong(view, start, end);
      entry[1] = this.#laneCount;
      for (let at = start; at < end; at += 4) this.#lanes[this.#laneCount++] = laneAt(view, at, end);
    }
    for (let i = 0; count > 1 && i < count; i++) this.#ids[this.#idCount++] = ids[i]!;
    this.#place(entry, 0);
  }

  /** Copies the entry at `from` to the first free slot for it; where all are taken, its word takes another's. */
  #place(entries: Int32Array, from: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const isShort = (entries[from + 2]! & 0xff) <= 8;
    const hash = isShort ? hashOfShort(entries[from]!, entries[from + 1]!) : entries[from]!;
    const home = (hash << 2) & mask;
    let slot = home;
    for (let steps = 1; slots[slot + 2] !== 0; steps++) {
      if (steps === MAX_STEPS) {
        slot = home;
        this.#wordCount--;
        break;
      }
      slot = (slot + 4) & mask;
    }
    for (let i = 0; i < 4; i++) slots[slot + i] = entries[from + i]!;
    this.#wordCount++;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    this.#wordCount = 0;
    for (let slot = 0; slot < old.length; slot += 4) if (old[slot + 2] !== 0) this.#place(old, slot);
    this.#lanes = twice(this.#lanes);
    this.#ids = twice(this.#ids);
  }

  #clear(): void {
    this.#slots.fill(0);
    this.#wordCount = 0;
    this.#laneCount = 0;
    this.#idCount = 0;
  }
}

function twice(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * numbers.length);
  grown.set(numbers);
  return grown;
}

/** The bytes of a word from `at`, up to four. */
function laneAt(view: DataView, at: number, end: number): number {
  return view.getInt32(at, true) & FIRST_FOUR[Math.min(end - at, 4)]!;
}

function hashOfShort(first: number, next: number): number {
  const hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(next, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}

function hashOfLong(view: DataView, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at += 4) {
    hash = Math.imul(hash ^ laneAt(view, at, end), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
