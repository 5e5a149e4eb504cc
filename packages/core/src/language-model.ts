import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { Module } from './module.ts';

/**
 * A model that gives logits for the token after each position.
 *
 * Input: ids, int32 `[B, T]`. Output: logits, float32 `[B, T', V]`, of the **last** `T'` positions; `T'` is `T` for a
 * Transformer, and fewer for a model that needs a full window before it can answer.
 */
export abstract class LanguageModel extends Module<Tensor2D, Tensor3D> {
  /** V: the number of token ids. */
  abstract readonly vocabSize: number;
  /** The longest T that one pass takes. */
  abstract readonly blockSize: number;
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
