import type { CachedKeysAndValues, Context, KeysAndValues } from '@minigpt/core';
import { clone, concat, slice, type Tensor4D } from '@tensorflow/tfjs-core';
import { StoredKVCache } from './managed-kv-cache.ts';

/**
 * Holds every key and value, one column longer with each token: the reference, and the least work for short texts. Each
 * token copies all that is held.
 */
export class GrowingKVCache extends StoredKVCache {
  readonly slides = false;
  readonly steady = false;

  override update({ path }: Context, { keys, values }: KeysAndValues): CachedKeysAndValues {
    const old = this.stored(path);
    return this.store(path, this.#append(old?.keys, keys), this.#append(old?.values, values));
  }

  /** `[B, H, S, D]` and `[B, H, T, D]` → `[B, H, S + T, D]`. */
  #append(old: Tensor4D | undefined, fresh: Tensor4D): Tensor4D {
    if (old === undefined) return clone(fresh);
    const [b, h, s, d] = old.shape;
    // Longer than the cache says after a trim, or after a pass that failed.
    const valid = s === this.length ? old : slice(old, 0, [b, h, this.length, d]);
    return concat([valid, fresh], 2);
  }

  protected override holds(): boolean {
    return true;
  }

  /** Nothing is written in place, so a fork holds the same values until either goes on. */
  protected override copied(stored: Tensor4D): Tensor4D {
    return clone(stored);
  }

  protected override empty(): this {
    return new GrowingKVCache() as this;
  }
}
