import type { Node } from './syntax.ts';

/** More positions than this are not analysed. */
const MAX_POSITIONS = 40;

interface Automaton {
  readonly nullable: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

/**
 * Whether a repetition of `body` can match any text in at most one way: after each of its characters, the sets that may
 * come next have no character in common (Glushkov's automaton is deterministic; Brüggemann-Klein and Wood 1998). Such a
 * loop cannot backtrack exponentially. Counts are taken as `*`, which errs on the side of "no".
 */
export function loopIsDeterministic(body: Node): boolean {
  const sets: string[] = [];
  const follow: Set<number>[] = [];
  let hasTwoWays = false;
  const connect = (from: readonly number[], to: readonly number[]) => {
    for (const position of from) {
      for (const next of to) {
        // Two ways to go on to the same place, as in (a+)+: as bad as two places.
        if (follow[position]!.has(next)) hasTwoWays = true;
        follow[position]!.add(next);
      }
    }
  };

  const build = (node: Node): Automaton | undefined => {
    switch (node.kind) {
      case 'set': {
        const position = sets.push(node.source) - 1;
        follow.push(new Set());
        return { nullable: false, first: [position], last: [position] };
      }
      case 'capture':
        return build(node.body);
      case 'sequence': {
        let whole: Automaton = { nullable: true, first: [], last: [] };
        for (const item of node.items) {
          const next = build(item);
          if (!next) return undefined;
          connect(whole.last, next.first);
          whole = {
            nullable: whole.nullable && next.nullable,
            first: whole.nullable ? [...whole.first, ...next.first] : whole.first,
            last: next.nullable ? [...whole.last, ...next.last] : next.last,
          };
        }
        return whole;
      }
      case 'choice': {
        const options = node.options.map(build);
        if (!options.every((option) => option !== undefined)) return undefined;
        return {
          nullable: options.some((option) => option.nullable),
          first: options.flatMap((option) => option.first),
          last: options.flatMap((option) => option.last),
        };
      }
      case 'repeat': {
        const inner = build(node.body);
        if (!inner || inner.nullable) return undefined;
        if (node.max > 1) connect(inner.last, inner.first);
        return { ...inner, nullable: node.min === 0 };
      }
      default:
        return undefined;
    }
  };

  const automaton = build(body);
  if (!automaton || automaton.nullable || sets.length > MAX_POSITIONS) return false;
  connect(automaton.last, automaton.first);
  if (hasTwoWays) return false;
  return [automaton.first, ...follow.map((next) => [...next])].every((next) =>
    areDisjoint(next.map((p) => sets[p]!)),
  );
}

function areDisjoint(sets: readonly string[]): boolean {
  return sets.every((a, i) => sets.slice(i + 1).every((b) => !overlap(rangesOf(a), rangesOf(b))));
}

/** Whether two lists of ranges [from, to), flat and ascending, have something in common. */
function overlap(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    if (a[i]! < b[k + 1]! && b[k]! < a[i + 1]!) return true;
    if (a[i]! < b[k]!) i += 2;
    else k += 2;
  }
  return false;
}

/** The sets met of late: to make a list reads all of Unicode. */
const known = new Map<string, readonly number[]>();
const MAX_KNOWN = 100;

/** Where a set's characters lie in {@link everyCharacter}: ranges, flat and ascending. */
function rangesOf(set: string): readonly number[] {
  let ranges = known.get(set);
  if (!ranges) {
    ranges = [...everyCharacter().matchAll(new RegExp(`${set}+`, 'gv'))].flatMap(({ 0: run, index }) => [
      index,
      index + run.length,
    ]);
    if (known.size === MAX_KNOWN) known.clear();
    known.set(set, ranges);
  }
  return ranges;
}

let all: string | undefined;
function everyCharacter(): string {
  if (all === undefined) {
    const parts: string[] = [];
    for (let page = 0; page < 0x110000; page += 0x400) {
      if (page < 0xd800 || page > 0xdfff) {
        parts.push(String.fromCodePoint(...Array.from({ length: 0x400 }, (_, i) => page + i)));
      }
    }
    all = parts.join('');
  }
  return all;
}
