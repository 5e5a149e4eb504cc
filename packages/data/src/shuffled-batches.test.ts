import { Rng } from '@minigpt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TooFewTokensError } from './errors.ts';
import { permuted } from './permuted.ts';
import { shuffledBatches } from './shuffled-batches.ts';

/** Tokens that are their own positions, so that a window shows where it came from. */
const positions = (length: number) => Uint32Array.from({ length }, (_, i) => i);

const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

describe('permuted', () => {
  it('is a permutation for every count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.maxSafeInteger(), (count, seed) => {
        const order = Array.from({ length: count }, (_, i) => permuted(i, count, new Rng(seed)));
        expect(sorted(order)).toEqual([...positions(count)]);
      }),
    );
  });

  it('sends every index everywhere, equally often', () => {
    const [count, keys] = [7, 4000];
    const arrivals = Array.from({ length: count }, () => new Array<number>(count).fill(0));
    for (let key = 0; key < keys; key++) {
      for (let i = 0; i < count; i++) arrivals[i][permuted(i, count, new Rng(key))]++;
    }
    const expected = keys / count;
    for (const arrival of arrivals.flat())
      expect(Math.abs(arrival - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  it('works far beyond 32 bits', () => {
    const count = 2 ** 45 + 3;
    const arrived = Array.from({ length: 50 }, (_, i) => permuted(count - 1 - i, count, new Rng(1)));
    expect(new Set(arrived).size).toBe(50);
    for (const at of arrived) expect(Number.isSafeInteger(at) && at >= 0 && at < count).toBe(true);
  });
});

describe('shuffledBatches', () => {
  const shapes = fc.record({
    blockSize: fc.integer({ min: 1, max: 9 }),
    batchSize: fc.integer({ min: 1, max: 5 }),
    extra: fc.integer({ min: 1, max: 60 }),
    seed: fc.maxSafeInteger(),
  });

  it('goes through every window once an epoch, each target the token after its input', () => {
    fc.assert(
      fc.property(shapes, ({ blockSize, batchSize, extra, seed }) => {
        const tokens = positions(blockSize + extra);
        const count = Math.floor((tokens.length - 1) / blockSize);
        const batch = shuffledBatches({ tokens, blockSize, batchSize, rng: new Rng(seed) });
        const starts: number[] = [];
        for (let step = 0; starts.length < 3 * count; step++) {
          const { inputs, targets, shape } = batch(step);
          expect(shape).toEqual([batchSize, blockSize]);
          expect([...targets]).toEqual([...inputs].map((id) => id + 1));
          expect(Math.max(...targets)).toBeLessThan(tokens.length);
          for (let row = 0; row < batchSize; row++) starts.push(inputs[row * blockSize]);
        }
        for (let epoch = 0; epoch < 3; epoch++) {
          const seen = sorted(starts.slice(epoch * count, (epoch + 1) * count));
          expect(seen).toEqual(Array.from(seen, (_, i) => seen[0] + i * blockSize));
        }
      }),
    );
  });

  it('is a pure function of the key and the step, and shuffles anew in each epoch', () => {
    const options = { tokens: positions(1000), blockSize: 4, batchSize: 249 };
    const first = shuffledBatches({ ...options, rng: new Rng(5) });
    const expected = first(3);
    first(9);
    expect(first(3)).toEqual(expected);
    expect(shuffledBatches({ ...options, rng: new Rng(5) })(3)).toEqual(expected);
    expect(first(0).inputs).not.toEqual(first(1).inputs);
    expect(shuffledBatches({ ...options, rng: new Rng(6) })(3)).not.toEqual(expected);
  });

  it('says how many tokens a context needs', () => {
    const tooShort = { tokens: positions(8), blockSize: 8, batchSize: 1, rng: new Rng(0) };
    expect(() => shuffledBatches(tooShort)).toThrow(TooFewTokensError);
  });
});
