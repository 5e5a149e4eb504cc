import type { Context, HostTensor } from '@minigpt/core';
import {
  type RopeFrequencies,
  type RopeLayout,
  type RopeScaling,
  rope,
  ropeFrequencies,
  ropeTables,
} from '@minigpt/ops';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';

export interface RotaryEmbeddingOptions {
  /** R: how many dimensions of a head turn; even. */
  readonly rotaryDim: number;
  readonly theta?: number;
  readonly scaling?: RopeScaling;
  /** The context that the model was made for; only `dynamic` scaling looks at it. */
  readonly maxLength: number;
  readonly layout?: RopeLayout;
}

type RopeTables = ReturnType<typeof ropeTables>;

/**
 * The rotary embedding of a model: one object for all of its layers, which share the tables of a pass. It has no parameters.
 * Positions are those of the context; see `rope` and `ropeFrequencies` in `@minigpt/ops`.
 */
export class RotaryEmbedding {
  readonly settings: Required<RotaryEmbeddingOptions>;
  #last: { readonly positions: readonly number[]; readonly tables: RopeTables } | undefined;
  #frequencies: { readonly length: number; readonly of: RopeFrequencies } | undefined;

  constructor({
    theta = 10000,
    scaling = { type: 'default' },
    layout = 'half',
    ...rest
  }: RotaryEmbeddingOptions) {
    this.settings = { theta, scaling, layout, ...rest };
  }

  /** Turns queries or keys, float32 `[B, H, T, D]`, to the positions of the context's tokens. */
  rotate(x: Tensor4D, ctx: Context): Tensor4D {
    const [cos, sin] = this.#tables(x.shape[2], ctx);
    return rope(x, cos, sin, { layout: this.settings.layout });
  }

  /** float32 `[T, R/2]`, or `[B, T, R/2]` in a padded batch. */
  #tables(count: number, ctx: Context): [cos: Tensor, sin: Tensor] {
    const table = (name: 'cos' | 'sin'): HostTensor => {
      const { data, shape } = ctx.positions(count);
      const values = this.#tablesAt(data)[name];
      return { dtype: 'float32', shape: [...shape, this.settings.rotaryDim / 2], data: values };
    };
    const shared = (name: 'cos' | 'sin') =>
      ctx.share(`rope ${name} ${count}`, () => ctx.ofColumns(() => table(name)), this);
    return [shared('cos'), shared('sin')];
  }

  /** Both tables; those of the last positions are kept, since each is asked for by itself. */
  #tablesAt(positions: ArrayLike<number>): RopeTables {
    const last = this.#last;
    if (last !== undefined && isEqual(positions, last.positions)) return last.tables;
    const kept = Array.from(positions);
    const length = 1 + kept.reduce((a, b) => Math.max(a, b), 0);
    const tables = ropeTables(kept, this.#frequenciesFor(length));
    this.#last = { positions: kept, tables };
    return tables;
  }

  /** Only these two kinds of scaling look at how long the sequence is. */
  #frequenciesFor(length: number): RopeFrequencies {
    const { type } = this.settings.scaling;
    const isSteady = type !== 'dynamic' && type !== 'longrope';
    if (this.#frequencies === undefined || !(isSteady || this.#frequencies.length === length))
      this.#frequencies = { length, of: ropeFrequencies({ ...this.settings, length }) };
    return this.#frequencies.of;
  }
}

function isEqual(a: ArrayLike<number>, b: readonly number[]): boolean {
  return a.length === b.length && b.every((value, i) => value === a[i]);
}
