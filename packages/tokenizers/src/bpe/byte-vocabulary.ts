import { TokenizerFormatError } from '../errors.ts';
import type { RankedBpeSpec } from '../tokenizer-json.ts';
import type { Merges } from './merge-table.ts';

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** Tokens as byte strings with a rank each, as tiktoken's files give them; found by the hash of their bytes. */
export class ByteVocabulary implements Merges {
  readonly #bytes: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #ids: Uint32Array;
  /** Token index by id, or -1. */
  readonly #indexOfId: Int32Array;
  readonly #hashes: Int32Array;
  /** Token index by hash, or -1. */
  readonly #slots: Int32Array;
  readonly #longest: number;

  /** @throws TokenizerFormatError where lengths and orders do not agree */
  constructor(spec: RankedBpeSpec) {
    const { bytes, ends, ids } = spec;
    const count = ends.length;
    const fail = (reason: string) => new TokenizerFormatError('list of ranked tokens', reason);
    if (ids.length !== count) throw fail(`${count} tokens have ${ids.length} ranks.`);
    if ((ends[count - 1] ?? 0) !== bytes.length) throw fail('the tokens do not end where their bytes end.');
    this.#bytes = bytes;
    this.#ends = ends;
    this.#ids = ids;
    const highest = count === 0 ? -1 : ids[count - 1]!;
    if (highest >= 2 ** 24) throw fail(`the rank ${highest} is too high.`);
    this.#indexOfId = new Int32Array(highest + 1).fill(-1);
    this.#hashes = new Int32Array(count);
    let slots = 16;
    while (slots < count * 2) slots *= 2;
    this.#slots = new Int32Array(slots).fill(-1);
    let longest = 0;
    for (let index = 0; index < count; index++) {
      const start = this.#start(index);
      const end = ends[index]!;
      if (end <= start) throw fail(`token ${index} is empty.`);
      if (index > 0 && ids[index]! <= ids[index - 1]!) throw fail(`rank ${ids[index]} does not ascend.`);
      longest = Math.max(longest, end - start);
      const hash = hashOf(FNV_OFFSET, bytes, start, end);
      let slot = slotOf(hash, slots);
      for (let other = this.#slots[slot]!; other >= 0; other = this.#slots[slot]!) {
        if (this.#hashes[other] === hash && this.#equals(other, bytes, start, end)) {
          throw fail(`ranks ${ids[other]} and ${ids[index]} are of the same bytes.`);
        }
        slot = (slot + 1) & (slots - 1);
      }
      this.#hashes[index] = hash;
      this.#slots[slot] = index;
      this.#indexOfId[ids[index]!] = index;
    }
    this.#longest = longest;
  }

  get count(): number {
    return this.#ends.length;
  }

  /** One more than the highest id. */
  get size(): number {
    return this.#indexOfId.length;
  }

  idAt(index: number): number {
    return this.#ids[index]!;
  }

  bytesAt(index: number): Uint8Array {
    return this.#bytes.subarray(this.#start(index), this.#ends[index]!);
  }

  /** The token that is `bytes[start, end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > this.#longest) return -1;
    const hash = hashOf(FNV_OFFSET, bytes, start, end);
    const slots = this.#slots;
    for (let slot = slotOf(hash, slots.length); ; slot = (slot + 1) & (slots.length - 1)) {
      const index = slots[slot]!;
      if (index < 0) return -1;
      if (this.#hashes[index] === hash && this.#equals(index, bytes, start, end)) return this.#ids[index]!;
    }
  }

  /** The rank, which is the id, of the token that two tokens make together; -1 where there is none. */
  rank(left: number, right: number): number {
    const leftIndex = this.#indexOfId[left]!;
    const rightIndex = this.#indexOfId[right]!;
    const leftStart = this.#start(leftIndex);
    const leftEnd = this.#ends[leftIndex]!;
    const rightStart = this.#start(rightIndex);
    const rightEnd = this.#ends[rightIndex]!;
    const length = leftEnd - leftStart + rightEnd - rightStart;
    if (length > this.#longest) return -1;
    const hash = hashOf(this.#hashes[leftIndex]!, this.#bytes, rightStart, rightEnd);
    const slots = this.#slots;
    for (let slot = slotOf(hash, slots.length); ; slot = (slot + 1) & (slots.length - 1)) {
      const index = slots[slot]!;
      if (index < 0) return -1;
      if (this.#hashes[index] !== hash) continue;
      const start = this.#start(index);
      if (this.#ends[index]! - start !== length) continue;
      const middle = start + leftEnd - leftStart;
      if (this.#same(start, leftStart, leftEnd) && this.#same(middle, rightStart, rightEnd))
        return this.#ids[index]!;
    }
  }

  result(rank: number): number {
    return rank;
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  #equals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#start(index);
    if (this.#ends[index]! - own !== end - start) return false;
    for (let i = 0; i < end - start; i++) if (this.#bytes[own + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Whether the bytes at `at` are those of [start, end). */
  #same(at: number, start: number, end: number): boolean {
    for (let i = 0; i < end - start; i++) if (this.#bytes[at + i] !== this.#bytes[start + i]) return false;
    return true;
  }
}

/** FNV-1a, which can go on from the hash of what comes before. */
function hashOf(before: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = before;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
  return hash;
}

function slotOf(hash: number, slots: number): number {
  return (hash ^ (hash >>> 15)) & (slots - 1);
}
