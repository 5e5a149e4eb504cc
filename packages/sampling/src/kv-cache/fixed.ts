import type { CachedKeysAndValues, Context, KeysAndValues } from '@minigpt/core';
import { CacheCapacityError } from '../errors.ts';
import { checkCount } from '../processors/processor.ts';
import { RingKVCache } from './ring.ts';

/**
 * Room for `capacity` columns, taken at the first pass: memory and the time of a token do not depend on the length of the
 * text, and no shape changes. A layer with a window keeps only that many columns, in a ring, so a text that outgrows the
 * capacity fails only where a layer sees all of it.
 *
 * @throws ConfigError; a pass throws CacheCapacityError
 */
export class FixedKVCache extends RingKVCache {
  readonly slides = false;
  override readonly capacity: number;

  constructor({ capacity }: { readonly capacity: number }) {
    checkCount('capacity', capacity);
    super(capacity);
    this.capacity = capacity;
  }

  override update(
    layer: Context,
    entry: KeysAndValues,
    options: { readonly window: number | undefined },
  ): CachedKeysAndValues {
    const needed = Math.min(this.length + entry.keys.shape[2], options.window ?? Number.POSITIVE_INFINITY);
    if (needed > this.capacity) throw new CacheCapacityError(this.capacity, needed);
    return super.update(layer, entry, options);
  }

  protected override empty(): this {
    return new FixedKVCache(this) as this;
  }
}
