import type { Context, HostTensor } from '@minigpt/core';
import {
  type RopeFrequencies,
  type RopeLayout,
  type RopeScaling,
  rope,
  ropeFrequencies,
  ropeTables,
} from '@minigpt/ops';
import { type Tensor, type Tensor4D, util } from '@tensorflow/tfjs-core';

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

/** Whose frequencies depend on how long the sequence is. */
const looksAtLength: Readonly<Record<RopeScaling['type'], boolean>> = {
  default: false,
  linear: false,
  dynamic: true,
  yarn: false,
  llama3: false,
  longrope: true,
};

/**
 * The rotary embedding of a model: one object for all of its layers, which share the tables of a pass. It has no parameters.
 * Positions are those of the context; see `rope` and `ropeFrequencies` in `@minigpt/ops`.
 */
export class RotaryEmbedding {
  readonly settings: Required<RotaryEmbeddingOptions>;
  #last: { readonly positions: HostTensor['data']; readonly tables: RopeTables } | undefined;
  #frequencies: RopeFrequencies | undefined;

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
  #tablesAt(positions: HostTensor['data']): RopeTables {
    const last = this.#last;
    if (last !== undefined && util.arraysEqual(positions, last.positions)) return last.tables;
    const length = 1 + Array.from(positions).reduce((a, b) => Math.max(a, b), 0);
    const tables = ropeTables(positions, this.#frequenciesFor(length));
    this.#last = { positions, tables };
    return tables;
  }

  /** Computed once where they are always the same. */
  #frequenciesFor(length: number): RopeFrequencies {
    if (looksAtLength[this.settings.scaling.type]) return ropeFrequencies({ ...this.settings, length });
    this.#frequencies ??= ropeFrequencies({ ...this.settings, length });
    return this.#frequencies;
  }
}
