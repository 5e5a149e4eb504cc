import type { CachedKeysAndValues, KeysAndValues } from '@minigpt/core';
import {
  concat,
  mul,
  reshape,
  slice,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tensorScatterUpdate,
  zeros,
} from '@tensorflow/tfjs-core';
import { StoredKVCache } from './managed-kv-cache.ts';

/**
 * Keys and values in a ring of slots for each layer, as many as its queries can see and never more than `slots`: column c
 * lies in slot c mod R. A token takes the same time and memory wherever it stands.
 */
export abstract class RingKVCache extends StoredKVCache {
  /** R of a layer without a window. */
  protected readonly slots: number;
  /** The columns that layers of this pass were told, so that those that are alike share one array. */
  readonly #columns = new Map<string, Int32Array>();

  constructor(slots: number) {
    super();
    this.slots = slots;
  }

  override update(
    path: string,
    { keys, values }: KeysAndValues,
    { window = Number.POSITIVE_INFINITY }: { readonly window: number | undefined },
  ): CachedKeysAndValues {
    const count = keys.shape[2];
    const end = this.length + count;
    const old = this.stored(path);
    const slots = Math.min(this.slots, window);
    const write = (ring: Tensor4D | undefined, fresh: Tensor4D) => this.#write(ring, fresh, slots);
    // What one token overwrites is out of its own sight, but an earlier token of the same pass may still look at it.
    const fits = count === 1 || end <= slots;
    if (old !== undefined && fits) {
      const stored = this.store(path, write(old.keys, keys), write(old.values, values));
      return { ...stored, columns: this.#share(`${slots}`, () => ringColumns(slots, end)) };
    }
    const seen =
      old === undefined
        ? { keys, values }
        : {
            keys: concat([old.keys, keys], 2), // [B, H, R + T, D]
            values: concat([old.values, values], 2),
            columns: this.#share(`${slots} + ${count}`, () =>
              Int32Array.of(
                ...ringColumns(slots, this.length),
                ...Array.from({ length: count }, (_, t) => this.length + t),
              ),
            ),
          };
    this.store(path, write(old?.keys, keys), write(old?.values, values));
    return seen;
  }

  override advance(count: number): void {
    super.advance(count);
    this.#columns.clear();
  }

  /** A ring that has not wrapped holds all columns. */
  protected override holds({ keys }: KeysAndValues): boolean {
    return this.length <= keys.shape[2];
  }

  /** tfjs's cpu backend scatters in place, which also changes clones; so a fork gets slots of its own. */
  protected override copied(stored: Tensor4D): Tensor4D {
    return mul(stored, 1);
  }

  /** The ring `[B, H, R, D]` with the last of the fresh columns `[B, H, T, D]` in their slots. */
  #write(ring: Tensor4D | undefined, fresh: Tensor4D, slots: number): Tensor4D {
    const [b, h, count, d] = fresh.shape;
    const kept = Math.min(count, slots);
    const first = this.length + count - kept;
    const rows = Int32Array.from(
      { length: b * h * kept },
      (_, i) => Math.floor(i / kept) * slots + ((first + (i % kept)) % slots),
    );
    const before = ring ?? zeros([b, h, slots, d]);
    const newest = slice(fresh, [0, 0, count - kept, 0], [b, h, kept, d]);
    const after = tensorScatterUpdate(
      reshape(before, [b * h * slots, d]) as Tensor2D,
      tensor2d(rows, [rows.length, 1], 'int32'),
      reshape(newest, [b * h * kept, d]) as Tensor2D,
    );
    return reshape(after, [b, h, slots, d]) as Tensor4D;
  }

  #share(key: string, make: () => Int32Array): Int32Array {
    const columns = this.#columns.get(key) ?? make();
    this.#columns.set(key, columns);
    return columns;
  }
}

/** The column in each slot once columns 0 … `end` - 1 have been written: the newest that falls on it, or -1 for none. */
function ringColumns(slots: number, end: number): Int32Array {
  return Int32Array.from({ length: slots }, (_, slot) =>
    slot < end ? end - 1 - ((end - 1 - slot) % slots) : -1,
  );
}
