/** The merges of a BPE model: which pairs of tokens join, how early, and to what. */
export interface Merges {
  /** Rank of joining two neighbours, lower first; -1 where they do not join. */
  rank(left: number, right: number): number;
  /** The token that a merge of this rank makes. */
  result(rank: number): number;
}

/** Merges as a list of pairs, in an open-addressing hash table. */
export class MergeTable implements Merges {
  readonly #mask: number;
  /** Three entries a slot: left, right, rank. Left is -1 where the slot is free. */
  readonly #slots: Int32Array;
  readonly #results: Int32Array;

  constructor(count: number) {
    let slots = 16;
    while (slots < count * 2) slots *= 2;
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots * 3).fill(-1);
    this.#results = new Int32Array(count);
  }

  /** A pair given twice keeps its later rank, as in Hugging Face's `tokenizers`. */
  set(left: number, right: number, rank: number, result: number): void {
    const slots = this.#slots;
    let slot = hash(left, right) & this.#mask;
    while (slots[slot * 3]! >= 0 && !(slots[slot * 3] === left && slots[slot * 3 + 1] === right)) {
      slot = (slot + 1) & this.#mask;
    }
    slots[slot * 3] = left;
    slots[slot * 3 + 1] = right;
    slots[slot * 3 + 2] = rank;
    this.#results[rank] = result;
  }

  rank(left: number, right: number): number {
    const slots = this.#slots;
    let slot = hash(left, right) & this.#mask;
    for (;;) {
      const found = slots[slot * 3]!;
      if (found === left && slots[slot * 3 + 1] === right) return slots[slot * 3 + 2]!;
      if (found < 0) return -1;
      slot = (slot + 1) & this.#mask;
    }
  }

  result(rank: number): number {
    return this.#results[rank]!;
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
