import { Context, dispose, Rng } from '@minigpt/core';
import { expectClose, startBackend, type TestableKVCache, testKVCache } from '@minigpt/testing';
import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CacheCapacityError, CacheTrimError } from '../errors.ts';
import { ToyTransformer, type ToyTransformerOptions } from '../testing/toy-transformer.ts';
import { FixedKVCache } from './fixed.ts';
import { GrowingKVCache } from './growing.ts';
import { SlidingKVCache } from './sliding.ts';

const length = 12;
const caches: [name: string, make: () => TestableKVCache, flat: boolean][] = [
  ['growing', () => new GrowingKVCache(), false],
  ['fixed', () => new FixedKVCache({ capacity: length }), true],
  ['sliding', () => new SlidingKVCache({ window: length }), true],
];
const models: [name: string, options: Omit<ToyTransformerOptions, 'rng'>][] = [
  ['learned positions', { positions: 'learned' }],
  ['rotary positions and windows', { positions: 'rotary', windows: [4, undefined, 6] }],
];
for (const [cache, makeCache, flat] of caches) {
  for (const [model, options] of models) {
    testKVCache(`${cache} on ${model}`, makeCache, (rng) => new ToyTransformer({ ...options, rng }), {
      length,
      flat,
    });
  }
}

const windowed = (rng: Rng) => new ToyTransformer({ positions: 'rotary', windows: [4, 6], rng });
testKVCache('fixed, smaller than the text, on windows', () => new FixedKVCache({ capacity: 6 }), windowed, {
  length,
  flat: true,
});

describe('a full cache', () => {
  const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
  const next = (model: ToyTransformer, cache: TestableKVCache, id: number) =>
    tidy(() => {
      const ctx = Context.evaluation({ cache });
      return model.call(tensor2d([[id]], [1, 1], 'int32'), ctx).dataSync() as Float32Array;
    });

  it('of fixed capacity says so, at the first layer that would lose something', async () => {
    await startBackend('cpu');
    const model = new ToyTransformer({ positions: 'rotary', windows: [4, undefined], rng: new Rng(1) });
    const cache = new FixedKVCache({ capacity: 6 });
    for (const id of ids.slice(0, 6)) next(model, cache, id);
    expect(() => next(model, cache, 0)).toThrow(CacheCapacityError);
    expect(() => next(model, cache, 0)).toThrow(expect.objectContaining({ capacity: 6, needed: 7 }));
    cache.dispose();
    dispose(model);
  });

  it('that slides forgets the oldest: the model then sees what one with windows sees', async () => {
    await startBackend('cpu');
    const options = { positions: 'rotary', rng: new Rng(1) } as const;
    const [model, reference] = [
      new ToyTransformer(options),
      new ToyTransformer({ ...options, windows: [4, 4] }),
    ];
    const cache = new SlidingKVCache({ window: 4 });
    const expected = tidy(() => reference.call(tensor2d([ids], undefined, 'int32')).dataSync());
    for (const [t, id] of ids.entries()) {
      const v = model.vocabSize;
      const wanted = expected.slice(t * v, (t + 1) * v) as Float32Array;
      const row = { dtype: 'float32', shape: [v] } as const;
      const actual = { ...row, data: next(model, cache, id) };
      await expectClose(actual, { ...row, data: wanted }, { absolute: 5e-6, relative: 5e-6 }, `column ${t}`);
    }
    expect(() => cache.trim(5)).toThrow(CacheTrimError);
    cache.dispose();
    dispose(model);
    dispose(reference);
  });
});
