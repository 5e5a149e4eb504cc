import { Context, type LanguageModel } from '@minigpt/core';
import { concat, reshape, slice, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { PromptError } from './errors.ts';
import { GrowingKVCache } from './kv-cache/growing.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';
import { type CompileDecoding, TokenSteps } from './token-steps.ts';

export interface SessionOptions {
  /** Default a `GrowingKVCache`. The session owns it. */
  readonly cache?: ManagedKVCache;
  /** See `CompileDecoding`. Default `auto`; needs a cache of fixed capacity, or one that slides. */
  readonly compile?: CompileDecoding;
}

/**
 * A model and what it has read. Asked for the logits after some ids, it runs those alone that are new: a prompt in one pass,
 * then one token a pass; of another text, whatever follows their common beginning. So a session may be kept for the next turn
 * of a conversation, and forked where texts share a prompt.
 *
 * Ids beyond `model.blockSize` slide out of sight, and all in sight are then read again for each token, since their
 * positions have changed; with a cache that slides, nothing is read again. A model without a cache reads everything anew.
 */
export class Session {
  readonly model: LanguageModel;
  readonly #cache: ManagedKVCache;
  readonly #compile: CompileDecoding;
  readonly #steps: TokenSteps;
  /** The ids in the cache, padding included; all rows are equally long. They grow in place: a token copies none. */
  #rows: number[][] = [];
  #padding: readonly number[] = [];

  /** @throws ConfigError where `compile` is true and cannot be */
  constructor(model: LanguageModel, { cache = new GrowingKVCache(), compile = 'auto' }: SessionOptions = {}) {
    this.model = model;
    this.#cache = cache;
    this.#compile = compile;
    this.#steps = new TokenSteps(model, cache, compile);
  }

  /** How long a text may get without sliding: the model's context, or the cache's capacity where that is less. */
  get capacity(): number {
    if (!this.model.supportsCache) return this.model.blockSize;
    return this.#cache.slides
      ? Number.POSITIVE_INFINITY
      : Math.min(this.#cache.capacity, this.model.blockSize);
  }

  /**
   * The logits of the token after each row of ids, on the host: one wait on the device. Rows may be unequal; they are filled
   * up on the left, and what a row gets is what it would get alone.
   *
   * @returns float32 `[V]` for each row
   * @throws PromptError where the model needs more ids before it can answer
   */
  nextLogits(rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    return this.#read(rows, 1);
  }

  /**
   * The logits after each of the last `count` ids, in one pass and one wait: for checking several tokens at once.
   *
   * @returns float32 `[V]` for each of these places, first to last
   * @throws PromptError where the model cannot answer at all of them
   */
  lastLogits(ids: readonly number[], count: number): Promise<Float32Array[]> {
    return this.#read([ids], count);
  }

  /** Makes row i what row `rows[i]` was: see `ManagedKVCache.reorder`. */
  reorder(rows: readonly number[]): void {
    if (this.#rows.length === 0) return;
    this.#cache.reorder(rows);
    this.#rows = rows.map((row) => [...this.#rows[row]]);
    this.#padding = rows.map((row) => this.#padding[row]);
    this.#steps.prepare(this.#padding);
  }

  /** A session of its own that has read the same. */
  fork(): Session {
    const copy = new Session(this.model, { cache: this.#cache.fork(), compile: this.#compile });
    copy.#rows = this.#rows.map((row) => [...row]);
    copy.#padding = this.#padding;
    return copy;
  }

  /** Frees what the cache holds. The session is then as new; the model stays. */
  dispose(): void {
    this.#steps.dispose();
    this.#cache.dispose();
    this.#rows = [];
    this.#padding = [];
  }

  /** The logits after each of the last `count` ids of each row. */
  async #read(rows: readonly (readonly number[])[], count: number): Promise<Float32Array[]> {
    const v = this.model.vocabSize;
    const logits = tidy(() => this.#run(rows, count)); // [B count, V]
    try {
      const data = await logits.data<'float32'>();
      return Array.from({ length: rows.length * count }, (_, i) => data.subarray(i * v, (i + 1) * v));
    } finally {
      logits.dispose();
    }
  }

  #run(rows: readonly (readonly number[])[], count: number): Tensor2D {
    const { model } = this;
    const longest = Math.max(...rows.map((row) => row.length));
    const outgrown = longest > model.blockSize && !this.#cache.slides;
    const visible = outgrown ? rows.map((row) => row.slice(-model.blockSize)) : rows;
    if (model.supportsCache) {
      const padded = { rows: visible, padding: this.#paddingOf(visible) };
      return outgrown ? this.#pass(padded, 0, count) : this.#continue(padded, count);
    }
    // A model without attention knows no padding.
    const alone = (row: readonly number[]) => this.#pass({ rows: [row], padding: [0] }, 0, count);
    const alike = visible.every((row) => row.length === visible[0].length);
    if (!alike) return concat(visible.map(alone));
    return this.#pass({ rows: visible, padding: visible.map(() => 0) }, 0, count);
  }

  /** How much to fill up on the left: as before where that still makes the rows equally long, else to the longest. */
  #paddingOf(rows: readonly (readonly number[])[]): readonly number[] {
    const columns = rows.map((row, i) => row.length + (this.#padding[i] ?? 0));
    const asBefore = rows.length === this.#padding.length && columns.every((count) => count === columns[0]);
    if (asBefore && (columns[0] <= this.model.blockSize || this.#cache.slides)) return this.#padding;
    const longest = Math.max(...rows.map((row) => row.length));
    return rows.map((row) => longest - row.length);
  }

  /** One pass over what the cache does not hold. */
  #continue(padded: PaddedRows, count: number): Tensor2D {
    const cache = this.#cache;
    const known = Math.min(this.#commonLength(padded), columnsOf(padded) - count);
    if (cache.canTrim(known)) cache.trim(known);
    else this.dispose();
    const start = cache.length;
    try {
      const logits = this.#nextToken(padded, start, count) ?? this.#pass(padded, start, count, cache);
      if (start === 0) this.#rows = padded.rows.map(() => []);
      for (const [row, held] of this.#rows.entries()) {
        held.length = start;
        for (let column = start; column < columnsOf(padded); column++) held.push(idAt(padded, row, column));
      }
      this.#padding = padded.padding;
      return logits;
    } catch (error) {
      this.dispose(); // some layers may have written, others not
      throw error;
    }
  }

  /** A pass over one column that follows others, if it is compiled. */
  #nextToken(padded: PaddedRows, start: number, count: number): Tensor2D | undefined {
    const { rows, padding } = padded;
    this.#steps.prepare(padding);
    if (start === 0 || columnsOf(padded) - start > 1 || count > 1) return undefined;
    return this.#steps.next(rows.map((_, row) => idAt(padded, row, start)));
  }

  /** How many columns are in the cache. */
  #commonLength(padded: PaddedRows): number {
    const { rows, padding } = padded;
    const held = this.#rows;
    if (held.length !== rows.length || padding.some((count, row) => count !== this.#padding[row])) return 0;
    const most = Math.min(this.#cache.length, columnsOf(padded));
    let common = most;
    for (const [row, ids] of held.entries()) {
      let column = 0;
      while (column < common && ids[column] === idAt(padded, row, column)) column++;
      common = column;
    }
    return common;
  }

  /** The last `count` logits of one pass over the columns from `start` on: `[B count, V]`. */
  #pass(padded: PaddedRows, start: number, count: number, cache?: ManagedKVCache): Tensor2D {
    const { rows, padding } = padded;
    const fresh = columnsOf(padded) - start; // T
    const ids = new Int32Array(rows.length * fresh);
    for (let i = 0; i < ids.length; i++) ids[i] = idAt(padded, Math.floor(i / fresh), start + (i % fresh));
    const ctx = Context.evaluation({ cache, padding, lastLogitsOnly: count === 1 });
    const logits = this.model.call(tensor2d(ids, [rows.length, fresh]), ctx); // [B, T', V]
    const [b, answered, v] = logits.shape;
    if (answered < count) {
      const length = columnsOf(padded) - (count - 1 - answered);
      throw new PromptError(length, `The model cannot answer after ${length} tokens; give a longer prompt.`);
    }
    return reshape(slice(logits, [0, answered - count, 0], [b, count, v]), [b * count, v]);
  }
}

/** Texts side by side, filled up on the left until they are equally long. */
interface PaddedRows {
  readonly rows: readonly (readonly number[])[];
  /** How many columns of each row are padding. */
  readonly padding: readonly number[];
}

function columnsOf({ rows, padding }: PaddedRows): number {
  return rows[0].length + padding[0];
}

/** The id in a column; 0 in the padding, which no token sees. */
function idAt({ rows, padding }: PaddedRows, row: number, column: number): number {
  return column < padding[row] ? 0 : rows[row][column - padding[row]];
}
