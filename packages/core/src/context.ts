import type { Tensor } from '@tensorflow/tfjs-core';
import { Rng } from './rng.ts';

/**
 * Sees every named activation on its way through the model. What it returns replaces the activation; returning nothing
 * leaves it. `path` is the name a parameter at that place would have, such as `transformer.h.0.attn`.
 */
export type Tap = (path: string, activation: Tensor) => Tensor | undefined;

interface ContextFields {
  readonly training: boolean;
  readonly checkpointing: boolean;
  readonly tap: Tap | undefined;
  readonly root: Rng | undefined;
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
  static evaluation({ tap }: { readonly tap?: Tap } = {}): Context {
    return new Context({ training: false, checkpointing: false, tap, root: undefined }, []);
  }

  /**
   * A context for one training step.
   *
   * @param options.rng the key of this step; dropout masks depend on it and on the path alone.
   * @param options.checkpointing recompute each block's activations in the backward pass instead of keeping them.
   */
  static training({
    rng = new Rng(0),
    checkpointing = false,
    tap,
  }: {
    readonly rng?: Rng;
    readonly checkpointing?: boolean;
    readonly tap?: Tap;
  } = {}): Context {
    return new Context({ training: true, checkpointing, tap, root: rng }, []);
  }

  get training(): boolean {
    return this.#fields.training;
  }

  get checkpointing(): boolean {
    return this.#fields.checkpointing;
  }

  get tap(): Tap | undefined {
    return this.#fields.tap;
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

  /** Offers an activation to the tap under `name` below this place, and returns what is to be used from here on. */
  observe<T extends Tensor>(activation: T, ...name: readonly string[]): T {
    const { tap } = this.#fields;
    if (tap === undefined) return activation;
    return (tap([...this.#places, ...name].join('.'), activation) as T | undefined) ?? activation;
  }
}
