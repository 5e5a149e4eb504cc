import { Context, type LanguageModel } from '@minigpt/core';
import { concat, reshape, slice, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { PromptError } from './errors.ts';
import { GrowingKVCache } from './kv-cache/growing.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';

export interface SessionOptions {
  /** Default a `GrowingKVCache`. The session owns it. */
  readonly cache?: ManagedKVCache;
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
  /** The ids in the cache, padding included; all rows are equally long. */
  #rows: readonly (readonly number[])[] = [];
  #padding: readonly number[] = [];

  constructor(model: LanguageModel, { cache = new GrowingKVCache() }: SessionOptions = {}) {
    this.model = model;
    this.#cache = cache;
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
    this.#rows = rows.map((row) => this.#rows[row]);
    this.#padding = rows.map((row) => this.#padding[row]);
  }

  /** A session of its own that has read the same. */
  fork(): Session {
    const copy = new Session(this.model, { cache: this.#cache.fork() });
    copy.#rows = this.#rows;
    copy.#padding = this.#padding;
    return copy;
  }

  /** Frees what the cache holds. The session is then as new; the model stays. */
  dispose(): void {
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
      return Array.from({ length: rows.length * count }, (_, i) => data.slice(i * v, (i + 1) * v));
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
      const padding = this.#paddingOf(visible);
      const padded = visible.map((row, i) => [...new Array<number>(padding[i]).fill(0), ...row]); // no token sees these 0
      return outgrown ? this.#pass(padded, count, { padding }) : this.#continue(padded, padding, count);
    }
    // A model without attention knows no padding.
    const alike = visible.every((row) => row.length === visible[0].length);
    return alike ? this.#pass(visible, count) : concat(visible.map((row) => this.#pass([row], count)));
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
  #continue(rows: readonly (readonly number[])[], padding: readonly number[], count: number): Tensor2D {
    const cache = this.#cache;
    const known = Math.min(this.#commonLength(rows, padding), rows[0].length - count);
    if (cache.canTrim(known)) cache.trim(known);
    else this.dispose();
    try {
      const fresh = rows.map((row) => row.slice(cache.length));
      const logits = this.#pass(fresh, count, { cache, padding });
      this.#rows = rows;
      this.#padding = padding;
      return logits;
    } catch (error) {
      this.dispose(); // some layers may have written, others not
      throw error;
    }
  }

  /** How many columns of `rows` are in the cache. */
  #commonLength(rows: readonly (readonly number[])[], padding: readonly number[]): number {
    const held = this.#rows;
    if (held.length !== rows.length || padding.some((count, row) => count !== this.#padding[row])) return 0;
    let column = 0;
    while (column < this.#cache.length && rows.every((row, i) => row[column] === held[i][column])) column++;
    return column;
  }

  /** The last `count` logits of one pass: ids `[B, T]` → `[B count, V]`. */
  #pass(
    rows: readonly (readonly number[])[],
    count: number,
    options: { readonly cache?: ManagedKVCache; readonly padding?: readonly number[] } = {},
  ): Tensor2D {
    const ids = tensor2d(rows.flat(), [rows.length, rows[0].length], 'int32');
    const ctx = Context.evaluation({ ...options, lastLogitsOnly: count === 1 });
    const logits = this.model.call(ids, ctx); // [B, T', V]
    const [b, answered, v] = logits.shape;
    if (answered < count) {
      const length = rows[0].length - (count - 1 - answered);
      throw new PromptError(length, `The model cannot answer after ${length} tokens; give a longer prompt.`);
    }
    return reshape(slice(logits, [0, answered - count, 0], [b, count, v]), [b * count, v]);
  }
}
