import { ConfigError } from '@minigpt/core';
import { ConstraintSizeError } from './errors.ts';
import type { Expression } from './expression.ts';
import { utf8Sequences } from './utf8.ts';

/** The state from which nothing is accepted. */
export const DEAD = -1;
const UNKNOWN = -2;

const MAX_NONDETERMINISTIC_STATES = 200_000;
const MAX_DETERMINISTIC_STATES = 50_000;

interface ByteEdge {
  readonly low: number;
  readonly high: number;
  readonly target: number;
}

/** Thompson's construction: states with edges over bytes and edges over nothing. */
class Graph {
  readonly edges: ByteEdge[][] = [];
  readonly skips: number[][] = [];

  state(): number {
    if (this.edges.length >= MAX_NONDETERMINISTIC_STATES)
      throw new ConstraintSizeError('nondeterministic', MAX_NONDETERMINISTIC_STATES);
    this.skips.push([]);
    return this.edges.push([]) - 1;
  }

  /** Adds paths for the expression that start in a state, without any back into it; returns the state where they end. */
  add(expression: Expression, from: number): number {
    switch (expression.type) {
      case 'text':
        return new TextEncoder().encode(expression.text).reduce((at, byte) => {
          const target = this.state();
          this.edges[at].push({ low: byte, high: byte, target });
          return target;
        }, from);
      case 'characters': {
        const end = this.state();
        for (const bytes of expression.ranges.flatMap(utf8Sequences)) {
          let at = from;
          for (const [i, [low, high]] of bytes.entries()) {
            const target = i === bytes.length - 1 ? end : this.state();
            this.edges[at].push({ low, high, target });
            at = target;
          }
        }
        return end;
      }
      case 'sequence':
        return expression.parts.reduce((at, part) => this.add(part, at), from);
      case 'choice': {
        const end = this.state();
        for (const option of expression.options) this.skips[this.add(option, from)].push(end);
        return end;
      }
      case 'repeat':
        return this.repeated(expression, from);
      case 'joined':
        return this.joined(expression, from);
    }
  }

  private repeated({ of, min, max }: Expression & { type: 'repeat' }, from: number): number {
    let at = from;
    for (let i = 0; i < min; i++) {
      const next = this.add(of, at);
      if (next === at) break; // of nothing, any number is nothing
      at = next;
    }
    const end = this.state();
    if (max === Number.POSITIVE_INFINITY) {
      this.skips[at].push(end);
      this.skips[this.add(of, end)].push(end);
      return end;
    }
    for (let i = min; i < max; i++) {
      this.skips[at].push(end);
      const start = this.state();
      this.skips[at].push(start);
      at = this.add(of, start);
    }
    this.skips[at].push(end);
    return end;
  }

  private joined({ members, separator }: Expression & { type: 'joined' }, from: number): number {
    // Two tracks through the members, each of which is built once: `first` has passed none yet, `later` needs a separator.
    let first = this.state();
    let later = this.state();
    this.skips[from].push(first);
    for (const { of, required, repeats } of members) {
      const start = this.state();
      this.skips[first].push(start);
      this.skips[this.add({ type: 'text', text: separator }, later)].push(start);
      const end = this.add(of, start);
      const [nextFirst, nextLater] = [this.state(), this.state()];
      this.skips[end].push(nextLater);
      if (repeats) this.skips[this.add({ type: 'text', text: separator }, end)].push(start);
      if (!required) {
        this.skips[first].push(nextFirst);
        this.skips[later].push(nextLater);
      }
      [first, later] = [nextFirst, nextLater];
    }
    const end = this.state();
    this.skips[first].push(end);
    this.skips[later].push(end);
    return end;
  }

  /** 1 for the states from which there is a way to `end`. */
  leadingTo(end: number): Uint8Array {
    const before: number[][] = this.edges.map(() => []);
    for (const [state, edges] of this.edges.entries()) {
      for (const { target } of edges) before[target].push(state);
      for (const target of this.skips[state]) before[target].push(state);
    }
    const leads = new Uint8Array(this.edges.length);
    leads[end] = 1;
    const open = [end];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (const previous of before[state]) {
        if (leads[previous] === 0) open.push(previous);
        leads[previous] = 1;
      }
    }
    return leads;
  }
}

/**
 * What accepts the UTF-8 of the texts of an expression, byte by byte. Deterministic; each state is made when it is first
 * reached (the subset construction), and from each there is a way to accept.
 */
export class Automaton {
  readonly start: number;
  private readonly graph = new Graph();
  private readonly end: number;
  private readonly leadsToEnd: Uint8Array;
  /** Bytes that no edge tells apart share a column of the table. */
  private readonly columns = new Uint8Array(256);
  private readonly bytes: number[] = [];
  /** The states of the graph that each state stands for. */
  private readonly members: (readonly number[])[] = [];
  private readonly table: Int32Array[] = [];
  private readonly stateOf = new Map<string, number>();

  /** @throws ConstraintSizeError; ConfigError where no text is accepted */
  constructor(expression: Expression) {
    const from = this.graph.state();
    this.end = this.graph.add(expression, from);
    this.leadsToEnd = this.graph.leadingTo(this.end);
    const edges = this.graph.edges.flat();
    const borders = new Set([0, ...edges.map(({ low }) => low), ...edges.map(({ high }) => high + 1)]);
    for (let byte = 0; byte < 256; byte++) {
      if (borders.has(byte)) this.bytes.push(byte);
      this.columns[byte] = this.bytes.length - 1;
    }
    this.start = this.stateFor([from]);
    if (this.start === DEAD)
      throw new ConfigError('constraint', 'A constraint must allow at least one text, but it allows none.');
  }

  /** The state after one byte more. @throws ConstraintSizeError */
  next(state: number, byte: number): number {
    const row = this.table[state];
    const column = this.columns[byte];
    if (row[column] === UNKNOWN) {
      const representative = this.bytes[column];
      const edges = this.members[state].flatMap((member) => this.graph.edges[member]);
      row[column] = this.stateFor(
        edges
          .filter(({ low, high }) => low <= representative && representative <= high)
          .map((edge) => edge.target),
      );
    }
    return row[column];
  }

  accepts(state: number): boolean {
    return this.members[state].includes(this.end);
  }

  /** The state for these states of the graph and all that follow over nothing. */
  private stateFor(reached: readonly number[]): number {
    const seen = new Set<number>();
    const open = [...reached];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (this.leadsToEnd[state] === 0 || seen.has(state)) continue;
      seen.add(state);
      open.push(...this.graph.skips[state]);
    }
    if (seen.size === 0) return DEAD;
    const members = [...seen].filter((state) => this.graph.edges[state].length > 0 || state === this.end);
    const key = members.sort((a, b) => a - b).join();
    const known = this.stateOf.get(key);
    if (known !== undefined) return known;
    if (this.table.length >= MAX_DETERMINISTIC_STATES)
      throw new ConstraintSizeError('deterministic', MAX_DETERMINISTIC_STATES);
    this.members.push(members);
    const state = this.table.push(new Int32Array(this.bytes.length).fill(UNKNOWN)) - 1;
    this.stateOf.set(key, state);
    return state;
  }
}
