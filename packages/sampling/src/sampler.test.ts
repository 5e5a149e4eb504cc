import { Rng } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { LogitsError } from './errors.ts';
import { greedy, multinomial } from './sampler.ts';

const key = new Rng(0);
const row = (...logits: number[]) => Float32Array.from(logits);
const never = Number.NEGATIVE_INFINITY;

/** A key whose draw is the number given. */
const drawing = (unit: number) => Object.assign(new Rng(0), { unit: () => unit });

describe('greedy', () => {
  it('takes the largest, and the first of several', () => {
    expect(greedy(row(1, 3, 2), key)).toBe(1);
    expect(greedy(row(never, 2, 5, 5), key)).toBe(2);
    expect(greedy(row(-0, 0), key)).toBe(0);
  });
});

describe('multinomial', () => {
  it('divides the unit interval in the order of the ids', () => {
    const logits = row(...[0.5, 0.25, 0.25].map(Math.log));
    const ids = [0, 0.49, 0.51, 0.74, 0.76, 1 - 2 ** -53].map((unit) => multinomial(logits, drawing(unit)));
    expect(ids).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('never draws what is ruled out or too unlikely for float64, at either end of the draw', () => {
    const logits = row(never, -800, 0, Math.log(0.3), -800, never);
    expect(multinomial(logits, drawing(0))).toBe(2);
    expect(multinomial(logits, drawing(1 - 2 ** -53))).toBe(3);
    expect(multinomial(logits, drawing(1))).toBe(3);
  });

  it('draws each token as often as its probability says', () => {
    const logits = Float32Array.from(new Rng(5).normal(12));
    const weights = [...logits].map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight);
    const draws = 20_000;
    const counts = new Array<number>(12).fill(0);
    for (let i = 0; i < draws; i++) counts[multinomial(logits, key.fold(i))]++;
    const chiSquare = counts.reduce((sum, count, id) => {
      const expected = (draws * weights[id]) / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(31.26); // 11 degrees of freedom: exceeded once in a thousand seeds
  });

  it('draws alike from logits that differ by a constant', () => {
    const logits = Float32Array.from(new Rng(6).normal(50));
    const shifted = logits.map((logit) => logit + 1024);
    for (let i = 0; i < 100; i++) {
      expect(multinomial(shifted, key.fold(i))).toBe(multinomial(logits, key.fold(i)));
    }
  });
});

describe.each([
  ['greedy', greedy],
  ['multinomial', multinomial],
])('%s refuses a row that is no distribution', (_, sample) => {
  it.each([
    [row(0, Number.NaN), 1],
    [row(Number.POSITIVE_INFINITY, Number.NaN), 0],
    [row(never, never), undefined],
    [row(), undefined],
  ])('%j', (logits, id) => {
    expect(() => sample(logits, key)).toThrow(LogitsError);
    expect(() => sample(logits, key)).toThrow(expect.objectContaining({ id }));
  });
});
