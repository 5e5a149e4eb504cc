import { backendCompiler, type Compile, CompileError, ConfigError, type LanguageModel } from '@minigpt/core';
import { getBackend, type Tensor2D } from '@tensorflow/tfjs-core';
import { type CompiledDecoder, compiledDecoder } from './compiled-decoder.ts';
import type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';

/**
 * Whether the pass over one token is one program of the backend, where it has a compiler (TensorFlow has): several times as
 * fast, after a pause of a second or more. `auto`: once so many tokens have been taken one by one that it pays. A compiler of
 * another kind is taken at once.
 */
export type CompileDecoding = 'auto' | boolean | Compile;

/** With `auto`, compiling takes as long as this many tokens that are not compiled take longer than compiled ones. */
const WORTH_COMPILING = 16;

/** The passes of a session over one token a row: compiled where the session asks for it or it pays. */
export class TokenSteps {
  readonly #model: LanguageModel;
  readonly #cache: ManagedKVCache;
  readonly #compile: CompileDecoding;
  #padding: readonly number[] = [];
  #decoder: CompiledDecoder | undefined;
  /** How many were asked for since the rows are as they are. */
  #count = 0;
  #refused = false;

  /** @throws ConfigError if they cannot be compiled as asked */
  constructor(model: LanguageModel, cache: ManagedKVCache, compile: CompileDecoding) {
    this.#model = model;
    this.#cache = cache;
    this.#compile = compile;
    if (compile !== true) return;
    if (backendCompiler() === undefined) {
      throw new ConfigError(
        'compile',
        `Compiling needs a backend that can, but ${getBackend()} cannot; use the backend node, or compile 'auto'.`,
      );
    }
    if (!model.supportsCache || !cache.steady) {
      throw new ConfigError(
        'compile',
        `Compiling needs a model and a cache that do the same for each token, but ${model.constructor.name} with ${cache.constructor.name} does not; use a FixedKVCache, or compile 'auto'.`,
      );
    }
  }

  /** The rows and their padding are those from now on; a program for others is let go. */
  prepare(padding: readonly number[]): void {
    if (
      padding.length === this.#padding.length &&
      padding.every((count, row) => count === this.#padding[row])
    )
      return;
    this.dispose();
    this.#padding = padding;
  }

  /** The logits `[B, V]` after one more id of each row; undefined where this is left to a pass that is not compiled. */
  next(ids: readonly number[]): Tensor2D | undefined {
    this.#count++;
    const full = this.#cache.length >= this.#cache.capacity; // the pass knows whether all layers need the room
    const compile = full ? undefined : this.#compiler();
    if (compile === undefined) return undefined;
    this.#decoder ??= compiledDecoder(this.#model, this.#cache, { padding: this.#padding, compile });
    try {
      return this.#decoder.next(ids);
    } catch (error) {
      if (this.#compile === true || !(error instanceof CompileError)) throw error;
      this.dispose();
      this.#refused = true;
      return undefined;
    }
  }

  /** Frees the program. */
  dispose(): void {
    this.#decoder?.dispose();
    this.#decoder = undefined;
    this.#count = 0;
  }

  #compiler(): Compile | undefined {
    if (this.#compile === false || this.#refused || !this.#cache.steady) return undefined;
    if (typeof this.#compile === 'function') return this.#compile;
    return this.#compile === true || this.#count > WORTH_COMPILING ? backendCompiler() : undefined;
  }
}
