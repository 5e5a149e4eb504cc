import { dispose, keep, type Tensor } from '@tensorflow/tfjs-core';
import { feed } from './compile.ts';
import type { KVCache } from './kv-cache.ts';
import { Rng } from './rng.ts';
import { fromHost, type HostTensor } from './tree.ts';

/**
 * Sees every named activation on its way through the model. What it returns replaces the activation; returning nothing
 * leaves it. `path` is the name a parameter at that place would have, such as `transformer.h.0.attn`.
 */
export type Tap = (path: string, activation: Tensor) => Tensor | undefined;

/** What the layers of one pass make once and share; closed when the pass is over. */
interface Shared {
  readonly tensors: Map<object | undefined, Map<string, Tensor | undefined>>;
  open: boolean;
}

interface Listener {
  readonly tap: Tap;
  /** The activations it sees; all unless told. */
  readonly paths?: RegExp;
}

interface ContextFields {
  readonly training: boolean;
  readonly checkpointing: boolean;
  readonly listeners: readonly Listener[];
  readonly root?: Rng;
  readonly cache?: KVCache;
  readonly padding?: readonly number[];
  readonly lastLogitsOnly?: boolean;
  readonly shared?: Shared;
}

export interface EvaluationOptions {
  readonly tap?: Tap;
  /** Keys and values of earlier passes; this pass holds the tokens that follow them, and adds its own. */
  readonly cache?: KVCache;
  /**
   * For a batch of unequal rows, filled up on the left: how many columns of each row are padding, `[B]`. Padding is seen by
   * no token, and positions count from the first real one. The same numbers go with every pass over a cache.
   */
  readonly padding?: readonly number[];
  /** Compute the logits of the last position alone, `[B, 1, V]`: all that the next token needs. */
  readonly lastLogitsOnly?: boolean;
}

export interface TrainingOptions {
  /** The key of this step; dropout masks depend on it and on the path alone. */
  readonly rng?: Rng;
  /** Recompute each block's activations in the backward pass instead of keeping them. */
  readonly checkpointing?: boolean;
  readonly tap?: Tap;
}

/**
 * What a forward pass needs besides its input: whether it trains, where in the model it is, the random key of that place,
 * and who listens. Immutable; `at` narrows path and key together.
 */
export class Context {
  readonly #fields: ContextFields;
  readonly #places: readonly (string | number)[];

  private constructor(fields: ContextFields, places: readonly (string | number)[]) {
    this.#fields = fields;
    this.#places = places;
  }

  /** A context for evaluation and sampling: dropout is off, nothing is random. */
  static evaluation({ tap, ...options }: EvaluationOptions = {}): Context {
    const listeners = tap === undefined ? [] : [{ tap }];
    return new Context({ ...options, listeners, training: false, checkpointing: false }, []);
  }

  /** A context for one training step. */
  static training({ rng = new Rng(0), checkpointing = false, tap }: TrainingOptions = {}): Context {
    const listeners = tap === undefined ? [] : [{ tap }];
    return new Context({ training: true, checkpointing, listeners, root: rng }, []);
  }

  get training(): boolean {
    return this.#fields.training;
  }

  get checkpointing(): boolean {
    return this.#fields.checkpointing;
  }

  get cache(): KVCache | undefined {
    return this.#fields.cache;
  }

  /** How many columns of each row are padding on the left, `[B]`; undefined where no row has any. */
  get padding(): readonly number[] | undefined {
    const { padding } = this.#fields;
    return padding?.some((count) => count > 0) ? padding : undefined;
  }

  get lastLogitsOnly(): boolean {
    return this.#fields.lastLogitsOnly ?? false;
  }

  /** The columns of the `count` tokens of this pass, `[T]`: they follow those of the cache. */
  columns(count: number): Int32Array {
    const first = this.#fields.cache?.length ?? 0;
    return Int32Array.from({ length: count }, (_, t) => first + t);
  }

  /**
   * The positions of the `count` tokens of this pass, on the host: `[T]` where all rows are alike, `[B, T]` where padding
   * sets them apart. Those of padding tokens are 0 and mean nothing.
   */
  positions(count: number): HostTensor {
    const columns = this.columns(count);
    const { padding } = this;
    if (padding === undefined) return { dtype: 'int32', shape: [count], data: columns };
    const rows = padding.flatMap((missing) => Array.from(columns, (column) => Math.max(0, column - missing)));
    return { dtype: 'int32', shape: [padding.length, count], data: Int32Array.from(rows) };
  }

  /**
   * A tensor of data that follow from where this pass's tokens stand. With a cache the next pass is elsewhere, so the data are
   * a {@link feed}, and a compiled step asks for them again in each run; without one they are always the same.
   */
  ofColumns(make: () => HostTensor): Tensor {
    return this.cache === undefined ? fromHost(make()) : feed(make);
  }

  /** The place in the model, spelt as a parameter's name: `transformer.h.0`. */
  get path(): string {
    return this.#places.join('.');
  }

  /** The random key of this place; a context for evaluation has none. */
  get rng(): Rng {
    const { root } = this.#fields;
    if (root === undefined) throw new Error('A context for evaluation has no random key.');
    return this.#places.reduce<Rng>((key, place) => key.fold(place), root);
  }

  /** The context of a child: `ctx.at('h', 3)`. */
  at(...places: readonly (string | number)[]): Context {
    return new Context(this.#fields, [...this.#places, ...places]);
  }

  /**
   * Runs one pass over a model; what its layers `share` is freed when it ends. Called by `LanguageModel.call`.
   *
   * @param run is given the context of the pass
   */
  pass<T>(run: (ctx: Context) => T): T {
    const shared: Shared = { tensors: new Map(), open: true };
    try {
      return run(new Context({ ...this.#fields, shared }, this.#places));
    } finally {
      shared.open = false;
      for (const tensors of shared.tensors.values())
        dispose([...tensors.values()].filter((made) => made !== undefined));
    }
  }

  /**
   * A tensor that does not depend on the parameters and that several layers need, such as a mask: made by the first and used
   * by all. Outside of a pass, and in a recomputation after it, each layer makes its own.
   *
   * @param key names the tensor within the pass, with all that its values depend on
   * @param of an object that its values depend on too, told apart by identity
   */
  share<T extends Tensor | undefined>(key: string, make: () => T, of?: object): T {
    const { shared } = this.#fields;
    if (!shared?.open) return make();
    const known = shared.tensors.get(of) ?? new Map<string, Tensor | undefined>();
    shared.tensors.set(of, known);
    if (!known.has(key)) {
      const made = make();
      known.set(key, made && keep(made));
    }
    return known.get(key) as T;
  }

  /** This context with one more tap, which sees the activations whose path matches; all unless told. */
  listen(tap: Tap, paths?: RegExp): Context {
    const listeners = [...this.#fields.listeners, { tap, paths }];
    return new Context({ ...this.#fields, listeners }, this.#places);
  }

  /** Whether a tap sees the activation `name` below this place: if not, a layer need not make it. */
  observes(...name: readonly string[]): boolean {
    return this.#listeners(name).length > 0;
  }

  /** Offers an activation to the taps under `name` below this place, and returns what is to be used from here on. */
  observe<T extends Tensor>(activation: T, ...name: readonly string[]): T {
    const listeners = this.#listeners(name);
    if (listeners.length === 0) return activation;
    const path = [...this.#places, ...name].join('.');
    return listeners.reduce((seen, { tap }) => (tap(path, seen) as T | undefined) ?? seen, activation);
  }

  #listeners(name: readonly string[]): readonly Listener[] {
    const { listeners } = this.#fields;
    if (listeners.length === 0) return listeners;
    const path = [...this.#places, ...name].join('.');
    return listeners.filter(({ paths }) => paths === undefined || paths.test(path));
  }
}
