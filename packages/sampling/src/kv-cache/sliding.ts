import { checkCount } from '../processors/processor.ts';
import { RingKVCache } from './ring.ts';

/**
 * Remembers the last `window` columns, in a ring: a text may go on without end, in the same memory and time for each token,
 * and nothing is computed again. A token sees the `window` newest columns, itself included; within a pass of several, also
 * those that the first of them saw. What is older acts only through the layers' memory of it. Positions keep counting, so it
 * serves models with rotary positions; learned ones end at the model's context.
 *
 * @throws ConfigError
 */
export class SlidingKVCache extends RingKVCache {
  readonly slides = true;
  readonly window: number;

  constructor({ window }: { readonly window: number }) {
    checkCount('window', window);
    super(window);
    this.window = window;
  }

  protected override empty(): this {
    return new SlidingKVCache(this) as this;
  }
}
