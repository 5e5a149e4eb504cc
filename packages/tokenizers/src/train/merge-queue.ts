import { grown } from './grown.ts';
import type { MergeState } from './merge-state.ts';

/**
 * Which of several pairs with the same highest count is merged.
 * - `first-seen`: the one that the corpus holds first, as it is tokenised at that moment (minbpe).
 * - `lexicographic`: the one with the greatest left token, then the greatest right token, compared as byte strings
 *   (Stanford CS336).
 */
export type TieRule = 'first-seen' | 'lexicographic';

/**
 * Pairs by count, highest first, ties by the rule: a binary heap whose entries may be out of date. Between its creation
 * and its own merge a pair's count only falls and its first position only rises, so an entry found to be out of date
 * at the top goes back in with what is true now.
 */
export class MergeQueue {
  private pair = new Int32Array(1024);
  private count = new Float64Array(1024);
  /** `first-seen` only: the pair's first position when it was pushed. */
  private first = new Float64Array(1024);
  private size = 0;
  private readonly byFirst: boolean;

  constructor(
    tieRule: TieRule,
    private readonly tokens: readonly string[],
    private readonly state: MergeState,
  ) {
    this.byFirst = tieRule === 'first-seen';
  }

  push(pair: number): void {
    const count = this.state.count[pair]!;
    if (count <= 0) return;
    const first = this.byFirst ? this.state.firstPosition(pair) : 0;
    let i = this.size++;
    this.pair = grown(this.pair, this.size);
    this.count = grown(this.count, this.size);
    this.first = grown(this.first, this.size);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.precedes(count, first, pair, parent)) break;
      this.move(parent, i);
      i = parent;
    }
    this.set(i, pair, count, first);
  }

  /** Takes out the pair to merge next; -1 where none is left. */
  pop(): number {
    while (this.size > 0) {
      const pair = this.pair[0]!;
      const upToDate =
        this.count[0] === this.state.count[pair] &&
        (!this.byFirst || this.first[0] === this.state.firstPosition(pair));
      this.removeTop();
      if (upToDate) return pair;
      this.push(pair);
    }
    return -1;
  }

  private removeTop(): void {
    const last = --this.size;
    if (last === 0) return;
    const pair = this.pair[last]!;
    const count = this.count[last]!;
    const first = this.first[last]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (
        child + 1 < last &&
        this.precedes(this.count[child + 1]!, this.first[child + 1]!, this.pair[child + 1]!, child)
      )
        child++;
      if (this.precedes(count, first, pair, child)) break;
      this.move(child, i);
      i = child;
    }
    this.set(i, pair, count, first);
  }

  private precedes(count: number, first: number, pair: number, other: number): boolean {
    if (count !== this.count[other]) return count > this.count[other]!;
    if (this.byFirst) return first < this.first[other]!;
    const { left, right } = this.state.pairs;
    const otherPair = this.pair[other]!;
    if (left[pair] !== left[otherPair]) return this.tokens[left[pair]!]! > this.tokens[left[otherPair]!]!;
    return this.tokens[right[pair]!]! > this.tokens[right[otherPair]!]!;
  }

  private move(from: number, to: number): void {
    this.set(to, this.pair[from]!, this.count[from]!, this.first[from]!);
  }

  private set(i: number, pair: number, count: number, first: number): void {
    this.pair[i] = pair;
    this.count[i] = count;
    this.first[i] = first;
  }
}
