import { type Automaton, DEAD } from './automaton.ts';

/** What is asked of a tokenizer; those of `@minigpt/tokenizers` have it. */
export interface ConstrainableTokenizer {
  /** Every token with its id. */
  vocabulary(): ReadonlyMap<string, number>;
  /** These have no text. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** The bytes that a token stands for inside a text. */
  tokenBytes(id: number): Uint8Array;
}

/** The tokens of a vocabulary that have a text, by their bytes: those that begin alike are followed together. */
export class TokenTrie {
  private readonly bytesOf = new Map<number, Uint8Array>();
  /** Nodes in the order of their bytes, each before those below it. */
  private readonly byte: number[] = [];
  private readonly depth: number[] = [];
  /** The next node that is not below this one. */
  private readonly after: number[] = [];
  private readonly idsAt: number[][] = [];

  constructor(tokenizer: ConstrainableTokenizer) {
    const special = new Set(tokenizer.specialTokens.values());
    for (const id of new Set(tokenizer.vocabulary().values())) {
      if (special.has(id)) continue;
      const bytes = tokenizer.tokenBytes(id);
      if (bytes.length > 0) this.bytesOf.set(id, bytes);
    }
    const path: number[] = []; // the nodes above, and the last
    const leave = (depth: number) => {
      while (path.length > depth) this.after[path.pop() as number] = this.byte.length;
    };
    for (const [id, bytes] of [...this.bytesOf].sort(([, a], [, b]) => compareBytes(a, b))) {
      let shared = 0;
      while (shared < path.length && this.byte[path[shared]] === bytes[shared]) shared++;
      leave(shared);
      for (let depth = shared; depth < bytes.length; depth++) {
        path.push(this.byte.push(bytes[depth]) - 1);
        this.depth.push(depth);
        this.idsAt.push([]);
      }
      this.idsAt[path[bytes.length - 1]].push(id);
    }
    leave(0);
  }

  /** One more than the highest id of a token with a text. */
  get size(): number {
    let size = 0;
    for (const id of this.bytesOf.keys()) size = Math.max(size, id + 1);
    return size;
  }

  bytes(id: number): Uint8Array | undefined {
    return this.bytesOf.get(id);
  }

  /** The ids of the tokens that an automaton can read in this state. */
  allowed(automaton: Automaton, state: number): number[] {
    const ids: number[] = [];
    const states = [state]; // at each depth, before its byte
    for (let node = 0; node < this.byte.length; ) {
      const depth = this.depth[node];
      const next = automaton.next(states[depth], this.byte[node]);
      if (next === DEAD) {
        node = this.after[node];
        continue;
      }
      states[depth + 1] = next;
      for (const id of this.idsAt[node]) ids.push(id);
      node++;
    }
    return ids;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
