import { type Compile, Context, feed, type KVCache, type LanguageModel } from '@minigpt/core';
import { reshape, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { CacheCapacityError } from './errors.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';

/** Takes a text one token further, as one program of the backend. */
export interface CompiledDecoder {
  /**
   * Reads one more id of each row, and the cache is one column longer.
   *
   * @returns the logits of the tokens after them, float32 `[B, V]`; the caller owns them
   * @throws CacheCapacityError where a cache of fixed capacity is full; CompileError where the step turns out, in the first two
   *   calls, not to be one program: nothing has been read then, and the cache is as before
   */
  next(ids: readonly number[]): Tensor2D;
  /** Frees the program; the cache keeps what it holds. */
  dispose(): void;
}

export interface CompiledDecoderOptions {
  /** How many columns of each row are padding, as in the passes over the cache before. */
  readonly padding?: readonly number[];
  /** The compiler of the backend: `backendCompiler()`. */
  readonly compile: Compile;
}

/**
 * One pass over one token a row, compiled once and run for every token; it serves while the cache has the same rows.
 *
 * What a compiler sees, B being rows, H key heads, R the slots of a layer's ring and D the size of a head:
 *
 * - **Fed**, in each run anew: the ids, int32 `[B, 1]`; and what follows from the column, once for all layers that are alike:
 *   learned positions, int32 `[1]`, or the tables of rotary ones, float32 `[1, D/2]` twice; the places in the rings, int32
 *   `[B, H, 1, 3]` of (row, head, slot); the mask, float32 `[1, R]`. With padding, positions and tables have B rows and the mask
 *   is `[B, 1, 1, R]`. Shapes never change.
 * - **Read**: the parameters, and for each layer the rings of its keys and values, float32 variables `[B, H, R, D]`.
 * - **Assigned**: each ring once, `ring.assign(tensorScatterUpdate(ring, places, fresh))` with one column of `fresh`, float32
 *   `[B, H, 1, D]`. The layer reads what it has assigned, and nobody reads what was there before: a compiler may write in place.
 * - **Given**: the logits, float32 `[B, V]`.
 *
 * @param cache a steady one, that holds at least one column
 */
export function compiledDecoder(
  model: LanguageModel,
  cache: ManagedKVCache,
  { padding, compile }: CompiledDecoderOptions,
): CompiledDecoder {
  // A step that is traced must not count as one: it may be taken back.
  const traced: KVCache = {
    get length() {
      return cache.length;
    },
    update: (layer, entry, options) => cache.update(layer, entry, options),
    advance() {},
  };
  const ctx = Context.evaluation({ cache: traced, padding, lastLogitsOnly: true });
  let next: readonly number[] = [];
  const program = compile(() =>
    tidy(() => {
      const ids = feed(() => ({ dtype: 'int32', shape: [next.length, 1], data: Int32Array.from(next) })); // [B, 1]
      return [reshape(model.call(ids as Tensor2D, ctx), [-1, model.vocabSize])]; // [B, V]
    }),
  );
  return {
    next(ids) {
      if (cache.length >= cache.capacity) throw new CacheCapacityError(cache.capacity, cache.length + 1);
      next = ids;
      const [logits] = program.run();
      cache.advance(1);
      return logits as Tensor2D;
    },
    dispose: () => program.dispose(),
  };
}
