import { grown } from './grown.ts';

/**
 * Pairs of token ids, numbered 0, 1, 2, … in the order they were first seen. An open-addressing hash table in typed
 * arrays: several times faster, and smaller, than a `Map` with string or number keys.
 */
export class PairTable {
  left = new Int32Array(1024);
  right = new Int32Array(1024);
  size = 0;
  /** Number of a pair + 1, or 0 for a free slot; the length is a power of two, at most half full. */
  private slots = new Int32Array(4096);

  /** The number of the pair; a new one where it is not in the table. */
  intern(left: number, right: number): number {
    const mask = this.slots.length - 1;
    let slot = hashPair(left, right) & mask;
    for (;;) {
      const pair = this.slots[slot]! - 1;
      if (pair < 0) return this.insert(slot, left, right);
      if (this.left[pair] === left && this.right[pair] === right) return pair;
      slot = (slot + 1) & mask;
    }
  }

  private insert(slot: number, left: number, right: number): number {
    const pair = this.size++;
    this.left = grown(this.left, this.size);
    this.right = grown(this.right, this.size);
    this.left[pair] = left;
    this.right[pair] = right;
    this.slots[slot] = pair + 1;
    if (this.size * 2 > this.slots.length) this.rehash();
    return pair;
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let pair = 0; pair < this.size; pair++) {
      let slot = hashPair(this.left[pair]!, this.right[pair]!) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = pair + 1;
    }
  }
}

function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & 0x7fffffff;
}
