import type { CachedKeysAndValues, Context, HostTensor, KeysAndValues } from '@minigpt/core';
import {
  concat,
  mul,
  slice,
  type Tensor,
  type Tensor4D,
  tensorScatterUpdate,
  util,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { StoredKVCache } from './managed-kv-cache.ts';

/**
 * Keys and values in a ring of slots for each layer, as many as its queries can see and never more than `slots`: column c
 * lies in slot c mod R. A token takes the same time and memory wherever it stands. The rings are variables, into which a pass
 * scatters what is new.
 */
export abstract class RingKVCache extends StoredKVCache {
  /** R of a layer without a window. */
  protected readonly slots: number;
  readonly steady = true;
  /** What tells layers of this pass their columns; those that are alike share one. */
  readonly #columns = new Map<string, () => Int32Array>();

  constructor(slots: number) {
    super();
    this.slots = slots;
  }

  override update(
    layer: Context,
    { keys, values }: KeysAndValues,
    { window = Number.POSITIVE_INFINITY }: { readonly window: number | undefined },
  ): CachedKeysAndValues {
    const count = keys.shape[2];
    const end = this.length + count;
    const { path } = layer;
    const old = this.stored(path);
    const slots = Math.min(this.slots, window);
    const write = (ring: Tensor4D | undefined, fresh: Tensor4D) => this.#write(layer, ring, fresh, slots);
    // What one token overwrites is out of its own sight, but an earlier token of the same pass may still look at it.
    const fits = count === 1 || end <= slots;
    if (old !== undefined && fits) {
      const stored = this.store(path, write(old.keys, keys), write(old.values, values));
      return { ...stored, columns: this.#share(`${slots}`, () => ringColumns(slots, this.length + count)) };
    }
    const seen =
      old === undefined
        ? { keys, values }
        : {
            keys: concat([old.keys, keys], 2), // [B, H, R + T, D]
            values: concat([old.values, values], 2),
            columns: this.#share(`${slots} + ${count}`, () => ringColumns(slots, this.length, count)),
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

  /** The same variable, unless the rows have become more or fewer. */
  protected override held(old: Tensor4D | undefined, fresh: Tensor4D): Tensor4D {
    try {
      if (old !== undefined && util.arraysEqual(old.shape, fresh.shape)) {
        (old as Tensor as Variable).assign(fresh);
        return old;
      }
      old?.dispose();
      return variable(fresh, false) as Tensor as Tensor4D;
    } finally {
      fresh.dispose();
    }
  }

  /** The ring `[B, H, R, D]` with the last of the fresh columns `[B, H, T, D]` in their slots. */
  #write(layer: Context, ring: Tensor4D | undefined, fresh: Tensor4D, slots: number): Tensor4D {
    const [b, h, count, d] = fresh.shape;
    const kept = Math.min(count, slots);
    const before = ring ?? zeros([b, h, slots, d]);
    const newest = kept === count ? fresh : slice(fresh, [0, 0, count - kept, 0], [b, h, kept, d]);
    const makePlaces = () => ringPlaces([b, h, kept], this.length + count - kept, slots);
    const sharePlaces = () => layer.ofColumns(makePlaces);
    const places = layer.share(`ring places ${b} ${h} ${kept} ${slots}`, sharePlaces, this);
    return tensorScatterUpdate(before, places, newest);
  }

  #share(key: string, make: () => Int32Array): () => Int32Array {
    const columns = this.#columns.get(key) ?? make;
    this.#columns.set(key, columns);
    return columns;
  }
}

/** The places of columns `first` and following in the rings of all rows and heads: int32 `[B, H, T, 3]`. */
function ringPlaces([b, h, count]: readonly number[], first: number, slots: number): HostTensor {
  const places = new Int32Array(b * h * count * 3);
  let i = 0;
  for (let row = 0; row < b; row++) {
    for (let head = 0; head < h; head++) {
      for (let t = 0; t < count; t++) {
        places[i++] = row;
        places[i++] = head;
        places[i++] = (first + t) % slots;
      }
    }
  }
  return { dtype: 'int32', shape: [b, h, count, 3], data: places };
}

/**
 * The column in each slot once columns 0 … `end` - 1 have been written: the newest that falls on it, or -1 for none; and
 * after the slots the `more` columns that follow.
 */
function ringColumns(slots: number, end: number, more = 0): Int32Array {
  const columns = new Int32Array(slots + more);
  for (let slot = 0; slot < slots; slot++)
    columns[slot] = slot < end ? end - 1 - ((end - 1 - slot) % slots) : -1;
  for (let t = 0; t < more; t++) columns[slots + t] = end + t;
  return columns;
}
