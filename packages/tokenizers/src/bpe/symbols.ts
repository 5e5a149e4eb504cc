import type { Merges } from './merge-table.ts';

/** Pieces of at most this many symbols are merged by scanning for the lowest rank, longer ones by a queue of ranks. */
const SCAN_LIMIT = 48;

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
    else this.mergeByRank(merges);
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

  /** The same in a time near n for long pieces: candidates by rank, symbols in a linked list; a stale candidate is dropped when met. */
  mergeByRank(merges: Merges): void {
    const { ids, firsts, length } = this;
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    /** The rank at which each symbol joins the next, as last considered: a candidate of another rank is stale. */
    const ranks = new Int32Array(length).fill(-1);
    const queue = new MinHeap();
    const candidates = new Map<number, Candidates>();
    const consider = (left: number, right: number) => {
      const rank = merges.rank(ids[left]!, ids[right]!);
      ranks[left] = rank;
      if (rank < 0) return;
      let found = candidates.get(rank);
      if (!found) {
        found = new Candidates();
        candidates.set(rank, found);
        queue.push(rank);
      }
      found.add(left);
    };
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (i + 1 < length) consider(i, i + 1);
    }
    while (queue.size > 0) {
      const rank = queue.least;
      const left = candidates.get(rank)!.take();
      if (left === undefined) {
        candidates.delete(rank);
        queue.pop();
        continue;
      }
      if (ranks[left] !== rank) continue;
      const right = next[left]!;
      ids[left] = merges.result(rank);
      ranks[left] = -1;
      ranks[right] = -1;
      const after = next[right]!;
      next[left] = after;
      if (previous[left]! >= 0) consider(previous[left]!, left);
      if (after < length) {
        previous[after] = left;
        consider(left, after);
      }
    }
    let kept = 0;
    for (let i = 0; i < length; i = next[i]!) {
      firsts[kept] = firsts[i]!;
      ids[kept++] = ids[i]!;
    }
    this.length = kept;
  }
}

/** Where pairs of one rank may be, taken from left to right. */
class Candidates {
  /** Before the first is taken in the order of their coming, then ascending. */
  readonly #positions: number[] = [];
  #next = 0;
  /** What comes after the first is taken. */
  #late: MinHeap | undefined;

  add(position: number): void {
    if (this.#late) this.#late.push(position);
    else this.#positions.push(position);
  }

  take(): number | undefined {
    if (!this.#late) {
      this.#positions.sort((a, b) => a - b);
      this.#late = new MinHeap();
    }
    const first = this.#positions[this.#next];
    if (this.#late.size > 0 && !(first! < this.#late.least)) return this.#late.pop();
    this.#next++;
    return first;
  }
}

/** A binary heap of numbers. */
class MinHeap {
  readonly #keys: number[] = [];

  get size(): number {
    return this.#keys.length;
  }

  get least(): number {
    return this.#keys[0]!;
  }

  push(key: number): void {
    const keys = this.#keys;
    let at = keys.push(key) - 1;
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
    const last = keys.pop()!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= keys.length) break;
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[at] = keys[child]!;
      at = child;
    }
    if (keys.length > 0) keys[at] = last;
    return top;
  }
}
