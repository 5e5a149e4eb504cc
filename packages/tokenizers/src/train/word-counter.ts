import { grown } from './grown.ts';
import type { WeightedWords } from './weighted-words.ts';

/**
 * Counts distinct words given as slices of texts. A hash table over UTF-16 units kept in one buffer, so that counting
 * a word already known allocates nothing, and no word keeps alive the text that it was cut from (as a JavaScript
 * substring does).
 */
export class WordCounter {
  private units = new Uint16Array(1 << 16);
  /** Word w is `units[starts[w]] … units[starts[w + 1] - 1]`. */
  private starts = new Int32Array(1 << 12);
  private hashes = new Int32Array(1 << 12);
  private counts = new Float64Array(1 << 12);
  private slots = new Int32Array(1 << 13);
  /** Number of distinct words. */
  size = 0;
  /** Number of words counted. */
  total = 0;

  /** Counts `text.slice(start, end)`, `weight` times. */
  add(text: string, start: number, end: number, weight = 1): void {
    if (start === end) return;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    this.total += weight;
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const word = this.slots[slot]! - 1;
      if (word < 0) break;
      if (this.hashes[word] === hash && this.equals(word, text, start, end)) {
        this.counts[word]! += weight;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.insert(slot, hash, text, start, end, weight);
  }

  private equals(word: number, text: string, start: number, end: number): boolean {
    let at = this.starts[word]!;
    if (this.starts[word + 1]! - at !== end - start) return false;
    for (let i = start; i < end; i++) if (this.units[at++] !== text.charCodeAt(i)) return false;
    return true;
  }

  private insert(slot: number, hash: number, text: string, start: number, end: number, weight: number): void {
    const word = this.size++;
    let at = this.starts[word]!;
    this.units = grown(this.units, at + end - start);
    this.starts = grown(this.starts, word + 2);
    this.hashes = grown(this.hashes, word + 1);
    this.counts = grown(this.counts, word + 1);
    for (let i = start; i < end; i++) this.units[at++] = text.charCodeAt(i);
    this.starts[word + 1] = at;
    this.hashes[word] = hash;
    this.counts[word] = weight;
    this.slots[slot] = this.size;
    if (this.size * 2 > this.slots.length) this.rehash();
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let word = 0; word < this.size; word++) {
      let slot = this.hashes[word]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = word + 1;
    }
  }

  /** The words and their counts, in the order in which they were first counted. */
  *entries(): Generator<readonly [word: string, count: number]> {
    for (let word = 0; word < this.size; word++) {
      const units = this.units.subarray(this.starts[word]!, this.starts[word + 1]!);
      yield [stringOf(units), this.counts[word]!];
    }
  }

  /** The words as UTF-8 bytes (a lone surrogate as U+FFFD). */
  toBytes(): WeightedWords {
    const encoder = new TextEncoder();
    const starts = new Int32Array(this.size + 1);
    let symbols = new Int32Array(this.starts[this.size]! * 2);
    let word = 0;
    for (const [text] of this.entries()) {
      const bytes = encoder.encode(text);
      const start = starts[word]!;
      symbols = grown(symbols, start + bytes.length);
      symbols.set(bytes, start);
      starts[++word] = start + bytes.length;
    }
    return { symbols: symbols.subarray(0, starts[word]), starts, counts: this.counts.slice(0, this.size) };
  }
}

/** Few enough for `String.fromCharCode(...)` on every engine's stack. */
const UNITS_A_CALL = 8192;

function stringOf(units: Uint16Array): string {
  let text = '';
  for (let i = 0; i < units.length; i += UNITS_A_CALL) {
    text += String.fromCharCode(...units.subarray(i, i + UNITS_A_CALL));
  }
  return text;
}
