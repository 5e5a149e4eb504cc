import { MinigptError, Rng } from '@minigpt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Picks an id from one row of logits `[V]`, as `Sampler` of `@minigpt/sampling`. */
type Sampler = (logits: Float32Array, rng: Rng) => number;

/**
 * What every sampler of this project keeps to, as a vitest suite: a pure function of logits and key, which gives an id of
 * the vocabulary, never one of probability 0, and leaves the logits as they are.
 *
 *     testSampler('multinomial', multinomial);
 */
export function testSampler(name: string, sampler: Sampler): void {
  const logits = fc
    .array(fc.oneof(fc.float({ min: -50, max: 50, noNaN: true }), fc.constant(Number.NEGATIVE_INFINITY)), {
      minLength: 1,
      maxLength: 40,
    })
    .filter((row) => row.some(Number.isFinite))
    .map((row) => Float32Array.from(row));
  const seeds = fc.maxSafeInteger();

  describe(`sampler ${name}`, () => {
    it('gives an id that the logits allow, the same for the same key, and leaves them as they are', () => {
      fc.assert(
        fc.property(logits, seeds, (row, seed) => {
          const given = row.slice();
          const id = sampler(row, new Rng(seed));
          expect(Number.isInteger(id)).toBe(true);
          expect(row[id]).toBeGreaterThan(Number.NEGATIVE_INFINITY);
          expect(sampler(row, new Rng(seed))).toBe(id);
          expect(row).toEqual(given);
        }),
      );
    });

    it('takes a token that is certain', () => {
      fc.assert(
        fc.property(fc.nat({ max: 20 }), seeds, (certain, seed) => {
          const row = new Float32Array(21).fill(-1000);
          row[certain] = 1000;
          expect(sampler(row, new Rng(seed))).toBe(certain);
        }),
      );
    });

    it('does not depend on what is added to all logits', () => {
      const row = Float32Array.from([0.5, -1, 2, 0.25, 1.5]);
      for (let seed = 0; seed < 200; seed++) {
        const shifted = row.map((value) => value + 8);
        expect(sampler(shifted, new Rng(seed))).toBe(sampler(row, new Rng(seed)));
      }
    });

    it.each([
      ['no token', []],
      ['NaN', [0, Number.NaN]],
      ['+∞', [0, Number.POSITIVE_INFINITY]],
      ['every token of probability 0', [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ])('refuses a row with %s', (_, row) => {
      expect(() => sampler(Float32Array.from(row), new Rng(0))).toThrow(MinigptError);
    });
  });
}
