import { PatternError } from '../errors.ts';
import { ONIGURUMA_WORD, unitsAt } from '../pipeline/unicode.ts';
import type { Anchor, Node } from './syntax.ts';

/** Steps that finding all matches may take: this many, and this many more for each character of the text. */
const BASE_STEPS = 300_000;
const STEPS_PER_CHARACTER = 220;
/** Characters or repetitions that one attempt may nest; each costs stack. */
const MAX_NESTING = 500;

type Continue = (at: number) => boolean;
type Matcher = (at: number, next: Continue) => boolean;

/**
 * A backtracking matcher that counts its steps. It runs the expressions that JavaScript's engine cannot (`\G`) and
 * those that might backtrack without end there; it gives up with an error instead.
 */
export class BoundedMatcher {
  readonly #root: Matcher;
  #text = '';
  #searchStart = 0;
  #stepsLeft = 0;
  #nesting = 0;
  #captures: [number, number][] = [];

  constructor(
    readonly pattern: string,
    node: Node,
  ) {
    this.#root = this.#compile(node);
  }

  /** All matches from left to right. @throws PatternError where they take too many steps */
  *matches(text: string): Generator<readonly [start: number, end: number]> {
    let steps = BASE_STEPS + STEPS_PER_CHARACTER * text.length;
    let lastEnd = -1;
    for (let from = 0; from <= text.length; ) {
      this.#stepsLeft = steps;
      const match = this.#search(text, from);
      steps = this.#stepsLeft;
      if (!match) return;
      const [start, end] = match;
      // As in Rust's iterators, an empty match right after the last match is none.
      if (end > start || start !== lastEnd) yield match;
      lastEnd = end;
      from = end > start ? end : end + (end < text.length ? unitsAt(text, end) : 1);
    }
  }

  /** The first match that begins at `from` or later. */
  #search(text: string, from: number): readonly [start: number, end: number] | undefined {
    this.#text = text;
    this.#searchStart = from;
    for (let start = from; start <= text.length; start += start < text.length ? unitsAt(text, start) : 1) {
      let end = -1;
      this.#captures = [];
      this.#nesting = 0;
      const found = this.#root(start, (at) => {
        end = at;
        return true;
      });
      if (found) return [start, end];
    }
    return undefined;
  }

  #step(steps = 1): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) {
      throw new PatternError(
        this.pattern,
        'it backtracks without end on this text; write it with atomic groups.',
      );
    }
  }

  #compile(node: Node): Matcher {
    switch (node.kind) {
      case 'set':
        return this.#oneOf(this.#set(node.source));
      case 'sequence':
        return this.#sequence(node.items.map((item) => this.#compile(item)));
      case 'choice': {
        const options = node.options.map((option) => this.#compile(option));
        return (at, next) => {
          this.#step();
          return options.some((option) => option(at, next));
        };
      }
      case 'capture': {
        const body = this.#compile(node.body);
        return (at, next) =>
          body(at, (end) => {
            const before = this.#captures[node.index];
            this.#captures[node.index] = [at, end];
            if (next(end)) return true;
            this.#captures[node.index] = before!;
            return false;
          });
      }
      case 'atomic': {
        const body = this.#compile(node.body);
        return (at, next) => {
          const end = this.#endOf(body, at);
          return end >= 0 && next(end);
        };
      }
      case 'look':
        return this.#look(this.#compile(node.body), node.behind, node.negate);
      case 'repeat':
        if (node.body.kind === 'set' && !node.lazy) {
          const set = this.#set(node.body.source);
          const isLong = node.max === Infinity && node.min < 2;
          return isLong ? this.#longRun(set, node.min) : this.#run(set, node.min, node.max);
        }
        return this.#repeat(this.#compile(node.body), node.min, node.max, node.lazy);
      case 'reference':
        return (at, next) => {
          this.#step();
          const captured = this.#captures[node.index];
          if (!captured) return false;
          const text = this.#text.slice(captured[0], captured[1]);
          return this.#text.startsWith(text, at) && next(at + text.length);
        };
      case 'anchor':
        return (at, next) => this.#holds(node.anchor, at) && next(at);
    }
  }

  /** Where the first way for `body` to match at `at` ends, or -1. */
  #endOf(body: Matcher, at: number): number {
    let end = -1;
    body(at, (to) => {
      end = to;
      return true;
    });
    return end;
  }

  /** A function that gives the length of the character at an index if it is in the set, else 0. */
  #set(source: string): (at: number) => number {
    const expression = new RegExp(`^${source}$`, 'v');
    const known = new Map<number, boolean>();
    return (at) => {
      this.#step();
      const point = this.#text.codePointAt(at);
      if (point === undefined) return 0;
      let member = known.get(point);
      if (member === undefined) {
        if (known.size > 4096) known.clear();
        member = expression.test(String.fromCodePoint(point));
        known.set(point, member);
      }
      return !member ? 0 : point > 0xffff ? 2 : 1;
    };
  }

  #oneOf(set: (at: number) => number): Matcher {
    return (at, next) => {
      const length = set(at);
      return length > 0 && next(at + length);
    };
  }

  /** A greedy repetition of one set, without a call for each character. */
  #run(set: (at: number) => number, min: number, max: number): Matcher {
    return (at, next) => {
      const ends = [at];
      for (let length = 1; ends.length <= max && length > 0; ) {
        length = set(ends.at(-1)!);
        if (length > 0) ends.push(ends.at(-1)! + length);
      }
      for (let count = ends.length - 1; count >= min; count--) {
        this.#step();
        if (next(ends[count]!)) return true;
      }
      return false;
    };
  }

  /** `set*` or `set+`: an attempt that begins inside the run that was read last does not read it again. */
  #longRun(set: (at: number) => number, min: number): Matcher {
    let text = '';
    let from = 0;
    let to = 0;
    return (at, next) => {
      if (text !== this.#text || at < from || at > to) {
        text = this.#text;
        from = at;
        to = at;
        for (let length = set(at); length > 0; length = set(to)) to += length;
      }
      for (let end = to; end > at; end -= unitsBefore(this.#text, end)) {
        this.#step();
        if (next(end)) return true;
      }
      return min === 0 && next(at);
    };
  }

  #sequence(items: readonly Matcher[]): Matcher {
    const from = (index: number): Matcher => {
      const item = items[index];
      if (!item) return (at, next) => next(at);
      const rest = from(index + 1);
      return index === items.length - 1 ? item : (at, next) => item(at, (end) => rest(end, next));
    };
    return from(0);
  }

  #look(body: Matcher, behind: boolean, negate: boolean): Matcher {
    return (at, next) => {
      this.#step();
      let found = false;
      if (!behind) found = this.#endOf(body, at) >= 0;
      for (let start = at; behind && !found && start >= 0; start--) {
        this.#step();
        found = body(start, (end) => end === at);
      }
      return found !== negate && next(at);
    };
  }

  #repeat(body: Matcher, min: number, max: number, lazy: boolean): Matcher {
    const attempt = (count: number, at: number, next: Continue): boolean => {
      this.#step(4); // what it does takes longer
      if (++this.#nesting > MAX_NESTING) {
        throw new PatternError(this.pattern, 'a repetition is too long for a pattern of this form.');
      }
      const more = () =>
        count < max && body(at, (end) => (end > at || count < min) && attempt(count + 1, end, next));
      const found = lazy ? (count >= min && next(at)) || more() : more() || (count >= min && next(at));
      this.#nesting--;
      return found;
    };
    return (at, next) => attempt(0, at, next);
  }

  #holds(anchor: Anchor, at: number): boolean {
    this.#step();
    const text = this.#text;
    switch (anchor) {
      case 'text-start':
        return at === 0;
      case 'text-end':
        return at === text.length;
      case 'last-line-end':
        return at === text.length || (at === text.length - 1 && text[at] === '\n');
      case 'line-start':
        return at === 0 || (text[at - 1] === '\n' && at < text.length);
      case 'line-end':
        return at === text.length || text[at] === '\n';
      case 'search-start':
        return at === this.#searchStart;
      case 'word-boundary':
        return isWordBoundary(text, at);
      case 'not-word-boundary':
        return !isWordBoundary(text, at);
    }
  }
}

const WORD_BEFORE = new RegExp(`[${ONIGURUMA_WORD}]$`, 'v');
const WORD_AFTER = new RegExp(`^[${ONIGURUMA_WORD}]`, 'v');

function isWordBoundary(text: string, at: number): boolean {
  return WORD_BEFORE.test(text.slice(Math.max(0, at - 2), at)) !== WORD_AFTER.test(text.slice(at, at + 2));
}

/** Length in UTF-16 units of the character that ends at `index`. */
function unitsBefore(text: string, index: number): 1 | 2 {
  return index > 1 && unitsAt(text, index - 2) === 2 ? 2 : 1;
}
