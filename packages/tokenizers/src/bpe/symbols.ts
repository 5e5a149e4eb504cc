import type { Merges } from './merge-table.ts';

/** Pieces of at most this many symbols are merged by scanning for the lowest rank, longer ones with a heap. */
const SCAN_LIMIT = 48;

/** A merge's key in the heap: rank, then position. Positions stay below this, ranks below 2^53 / it. */
const POSITIONS = 2 ** 29;

const NONE = 0x7fffffff;

/** The symbols of one piece while BPE merges them. Reused from piece to piece. */
export class Symbols {
  length = 0;
  ids = new Int32Array(256);
  /** Index of the first of the original symbols that each symbol is made of. */
  firsts = new Int32Array(256);
  #ranks = new Int32Array(SCAN_LIMIT);

  clear(): void {
    this.length = 0;
  }

  push(id: number): void {
    if (this.length === this.ids.length) {
      const ids = new Int32Array(this.length * 2);
      ids.set(this.ids);
      this.ids = ids;
      const firsts = new Int32Array(this.length * 2);
      firsts.set(this.firsts);
      this.firsts = firsts;
    }
    this.firsts[this.length] = this.length;
    this.ids[this.length++] = id;
  }

  /** Joins neighbours, always the pair of lowest rank and of these the leftmost, until no pair joins. */
  merge(merges: Merges): void {
    if (this.length < 2) return;
    if (this.length <= SCAN_LIMIT) this.#mergeByScanning(merges);
    else this.mergeWithHeap(merges);
  }

  #mergeByScanning(merges: Merges): void {
    const { ids, firsts } = this;
    const ranks = this.#ranks;
    let length = this.length;
    const rankAt = (i: number) => {
      const rank = merges.rank(ids[i]!, ids[i + 1]!);
      return rank < 0 ? NONE : rank;
    };
    for (let i = 0; i < length - 1; i++) ranks[i] = rankAt(i);
    while (length > 1) {
      let lowest = NONE;
      let at = -1;
      for (let i = 0; i < length - 1; i++) {
        if (ranks[i]! < lowest) {
          lowest = ranks[i]!;
          at = i;
        }
      }
      if (at < 0) break;
      ids[at] = merges.result(lowest);
      length--;
      for (let i = at + 1; i < length; i++) {
        ids[i] = ids[i + 1]!;
        firsts[i] = firsts[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (at > 0) ranks[at - 1] = rankAt(at - 1);
      if (at < length - 1) ranks[at] = rankAt(at);
    }
    this.length = length;
  }

  /** The same in O(n log n): candidates in a heap, symbols in a linked list; a stale candidate is dropped when met. */
  mergeWithHeap(merges: Merges): void {
    const { ids, firsts, length } = this;
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const heap = new MinHeap(length);
    /** The rank at which each symbol joins the next, as last considered: a candidate of another rank is stale. */
    const ranks = new Int32Array(length).fill(-1);
    const consider = (left: number, right: number) => {
      const rank = merges.rank(ids[left]!, ids[right]!);
      ranks[left] = rank;
      if (rank >= 0) heap.push(rank * POSITIONS + left);
    };
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (i + 1 < length) consider(i, i + 1);
    }
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / POSITIONS);
      const left = key % POSITIONS;
      const right = next[left]!;
      if (ranks[left] !== rank) continue;
      ids[left] = merges.result(rank);
      ranks[left] = -1;
      ranks[right] = -1;
      const after = next[right]!;
      next[left] = after;
      if (after < length) {
        previous[after] = left;
        consider(left, after);
      }
      if (previous[left]! >= 0) consider(previous[left]!, left);
    }
    let kept = 0;
    for (let i = 0; i < length; i = next[i]!) {
      firsts[kept] = firsts[i]!;
      ids[kept++] = ids[i]!;
    }
    this.length = kept;
  }
}

/** A binary heap of numbers. */
class MinHeap {
  size = 0;
  #keys: Float64Array;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity + 1);
  }

  push(key: number): void {
    if (this.size === this.#keys.length) {
      const keys = new Float64Array(this.size * 2);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const keys = this.#keys;
    const top = keys[0]!;
    const last = keys[--this.size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = last;
    return top;
  }
}
