import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { Context } from './context.ts';
import { ConfigError } from './errors.ts';
import { Module } from './module.ts';

/**
 * A model that gives logits for the token after each position.
 *
 * Input: ids, int32 `[B, T]`. Output: logits, float32 `[B, T', V]`, of the **last** `T'` positions; `T'` is `T` for a
 * Transformer, 1 where the context asks for the last logits only, and fewer than `T` for a model that needs a full window
 * before it can answer.
 */
export abstract class LanguageModel extends Module<Tensor2D, Tensor3D> {
  /** V: the number of token ids. */
  abstract readonly vocabSize: number;
  /** The longest T that one pass takes. */
  abstract readonly blockSize: number;
  /** Whether a pass over a KV cache sees the tokens of earlier passes; a model that does not reads its whole input anew. */
  readonly supportsCache: boolean = false;

  /**
   * One pass: `forward`, after which the context's cache is longer by T.
   *
   * @throws ConfigError if the context carries a cache and this model does not support one
   */
  override call(ids: Tensor2D, ctx: Context = Context.evaluation()): Tensor3D {
    if (ctx.cache !== undefined && !this.supportsCache) {
      throw new ConfigError(
        'cache',
        `A KV cache needs a model with attention, but ${this.constructor.name} has none; leave the cache out.`,
      );
    }
    const logits = ctx.pass((pass) => super.call(ids, pass));
    ctx.cache?.advance(ids.shape[1]);
    return logits;
  }

  /** What `config.json` holds: enough to build the same model again, `model_type` included. */
  abstract toConfig(): Readonly<Record<string, unknown>>;
}

/** A batch of token windows on the host: `targets[i]` is the token that follows `inputs[i]`. */
export interface TokenBatch {
  /** Row-major ids `[B, T]`. */
  readonly inputs: Int32Array;
  /** Row-major ids `[B, T]`. */
  readonly targets: Int32Array;
  /** `[B, T]` */
  readonly shape: readonly [batchSize: number, blockSize: number];
}
