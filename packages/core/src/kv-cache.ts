import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Context } from './context.ts';

/** The keys and values of one attention layer. */
export interface KeysAndValues {
  /** float32 `[B, H, S, D]`, H key heads; rotated already where the model rotates. */
  readonly keys: Tensor4D;
  /** float32 `[B, H, S, D]` */
  readonly values: Tensor4D;
}

export interface CachedKeysAndValues extends KeysAndValues {
  /**
   * Gives the column of each key, `[S]`, in any order; -1 marks a slot that holds none. Left out where slot s holds column s,
   * as in a cache that only grows: then no mask is needed to read it. Layers whose columns are alike should get the same
   * function, so that they share one mask. A compiled step asks it again in each run.
   */
  readonly columns?: () => Int32Array;
}

/**
 * Keys and values of earlier passes, so that a pass over the newest tokens alone gives the logits of a pass over all. A
 * context for evaluation carries it; attention layers hand it what is new and attend to what it returns.
 *
 * A **column** is a token's index in its row, counted from the first pass on, left padding included; all rows of a batch
 * share their columns. A token's *position* is its column less the padding of its row (`Context.padding`). Which key a query
 * sees follows from columns, padding and the layer's window alone, so a cache may keep its slots in any order (a ring), drop
 * those that no window reaches, or leave some empty.
 *
 * `GrowingKVCache` in `@minigpt/sampling` is the reference. How a cache is made, trimmed, reordered and disposed is not the
 * model's concern and not part of this interface.
 */
export interface KVCache {
  /** How many columns earlier passes have seen: the column of the first token of this pass. Constant during a pass. */
  readonly length: number;
  /**
   * Takes the keys and values `[B, H, T, D]` of columns `length … length + T - 1` and gives all that their queries may look
   * at, those of this pass among them (also where a window is shorter than T).
   *
   * It runs inside the layer's `tidy`: what the cache keeps it must `keep`, and it must not dispose what it returned before
   * the pass is over.
   *
   * @param layer the context of the attention layer: its path, such as `model.layers.0.self_attn`, names the layer, and comes
   *   once a pass; what layers have in common can be shared through it
   * @param options.window how many keys a query of this layer sees, itself included, if not all
   */
  update(
    layer: Context,
    entry: KeysAndValues,
    options: { readonly window: number | undefined },
  ): CachedKeysAndValues;
  /** The pass is complete, `count` columns longer: called by `LanguageModel.call`, once all layers have updated. */
  advance(count: number): void;
}
