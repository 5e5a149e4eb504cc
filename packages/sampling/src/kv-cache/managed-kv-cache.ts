import type { CachedKeysAndValues, Context, KeysAndValues, KVCache } from '@minigpt/core';
import { dispose, gather, keep, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { CacheTrimError } from '../errors.ts';

/** A KV cache with what its owner does to it between passes; the model sees only `KVCache`. */
export interface ManagedKVCache extends KVCache {
  /** Whether old columns make room for new ones, so that a text may outgrow the cache. */
  readonly slides: boolean;
  /** How many columns it holds at most. */
  readonly capacity: number;
  /**
   * Whether one token more is the same work at every length, done on variables that stay the same until rows become more or
   * fewer: then a pass over it can be compiled.
   */
  readonly steady: boolean;
  /** Whether `trim(length)` is possible: a ring that has wrapped has lost what an earlier query would see. */
  canTrim(length: number): boolean;
  /**
   * Forgets all columns from `length` on.
   *
   * @throws CacheTrimError
   */
  trim(length: number): void;
  /**
   * Makes row i of the batch what row `rows[i]` was. Rows may be repeated or left out, so a prompt that was read once can be
   * continued by many rows, and beams can take each other's place.
   */
  reorder(rows: readonly number[]): void;
  /** A cache of its own with the same contents, such as a prompt that was read once and has several continuations. */
  fork(): ManagedKVCache;
  /** Frees all tensors. The cache is then as new. */
  dispose(): void;
}

/** What all caches here share: one pair of tensors a layer, which the cache owns. */
export abstract class StoredKVCache implements ManagedKVCache {
  abstract readonly slides: boolean;
  abstract readonly steady: boolean;
  readonly capacity: number = Number.POSITIVE_INFINITY;
  #entries = new Map<string, KeysAndValues>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  abstract update(
    layer: Context,
    entry: KeysAndValues,
    options: { readonly window: number | undefined },
  ): CachedKeysAndValues;

  /** A new, empty cache of the same settings. */
  protected abstract empty(): this;

  /** Whether a layer still holds all that a query at `length` may see. */
  protected abstract holds(stored: KeysAndValues, length: number): boolean;

  /** A tensor for a fork to own. */
  protected abstract copied(stored: Tensor4D): Tensor4D;

  advance(count: number): void {
    this.#length += count;
  }

  canTrim(length: number): boolean {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) return false;
    if (length === 0 || length === this.#length) return true;
    return [...this.#entries.values()].every((stored) => this.holds(stored, length));
  }

  trim(length: number): void {
    if (!this.canTrim(length)) throw new CacheTrimError(length, this.#length);
    this.#length = length;
  }

  reorder(rows: readonly number[]): void {
    this.#replace((stored) => tidy(() => gather(stored, tensor1d([...rows], 'int32'), 0)));
  }

  fork(): this {
    const copy = this.empty();
    for (const [path, { keys, values }] of this.#entries) {
      copy.store(path, this.copied(keys), this.copied(values));
    }
    copy.#length = this.#length;
    return copy;
  }

  dispose(): void {
    for (const { keys, values } of this.#entries.values()) dispose([keys, values]);
    this.#entries.clear();
    this.#length = 0;
  }

  /** What a layer has stored; nothing before the first pass is complete. */
  protected stored(path: string): KeysAndValues | undefined {
    return this.#length === 0 ? undefined : this.#entries.get(path);
  }

  /** Takes over the tensors given, and frees those that they take the place of. */
  protected store(path: string, keys: Tensor4D, values: Tensor4D): KeysAndValues {
    const old = this.#entries.get(path);
    const entry = { keys: this.held(old?.keys, keys), values: this.held(old?.values, values) };
    this.#entries.set(path, entry);
    return entry;
  }

  /** What is held of a tensor that takes the place of an old one. */
  protected held(old: Tensor4D | undefined, fresh: Tensor4D): Tensor4D {
    old?.dispose();
    return keep(fresh);
  }

  #replace(change: (stored: Tensor4D) => Tensor4D): void {
    for (const [path, { keys, values }] of this.#entries) this.store(path, change(keys), change(values));
  }
}
