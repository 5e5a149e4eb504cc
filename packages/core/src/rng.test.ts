import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng, threefry2x32 } from './rng.ts';

describe('threefry2x32', () => {
  // Known answers of the authors' Random123 library (kat_vectors, threefry2x32 20).
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('key %j, counter %j', (key, counter, expected) => {
    expect([...threefry2x32(key[0], key[1], counter[0], counter[1])]).toEqual(expected);
  });
});

describe('Rng', () => {
  it('depends on where a key is used, never on when', () => {
    const rng = new Rng(7);
    const first = rng.fold('h').fold(3).uniform(5);
    rng.uniform(100);
    rng.fold('h').normal(3);
    expect(rng.fold('h').fold(3).uniform(5)).toEqual(first);
  });

  it('gives other numbers for another seed, 0 and negative ones included, and for another place', () => {
    const keys = [
      new Rng(0),
      new Rng(1),
      new Rng(-1),
      new Rng(2 ** 40),
      new Rng(0).fold(0),
      new Rng(0).fold('0'),
    ];
    const draws = keys.map((key) => key.uniform(4).join());
    expect(new Set(draws).size).toBe(keys.length);
  });

  it('draws the same prefix whatever the count', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 50 }), fc.string(), (seed, count, place) => {
        const rng = new Rng(seed).fold(place);
        expect(rng.uniform(count)).toEqual(rng.uniform(64).subarray(0, count));
        expect(rng.normal(count)).toEqual(rng.normal(64).subarray(0, count));
        expect(rng.integers(count, 9)).toEqual(rng.integers(64, 9).subarray(0, count));
      }),
    );
  });

  it('is uniform and normal: moments and a histogram of 200,000 draws', () => {
    const count = 200_000;
    const uniform = new Rng(1).uniform(count);
    const histogram = new Array<number>(10).fill(0);
    for (const value of uniform) histogram[Math.floor(value * 10)]++;
    for (const bin of histogram) expect(Math.abs(bin - count / 10)).toBeLessThan(5 * Math.sqrt(count * 0.09));

    const normal = new Rng(1).normal(count);
    const moment = (power: number) => normal.reduce((sum, value) => sum + value ** power, 0) / count;
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  });

  it('keeps uniform numbers in [0, 1) and integers below their bound', () => {
    const rng = new Rng(3);
    for (const value of rng.uniform(10_000)) expect(value >= 0 && value < 1).toBe(true);
    expect(new Set(rng.integers(1000, 4))).toEqual(new Set([0, 1, 2, 3]));
    expect(rng.unit()).toBe(rng.unit());
  });

  it('refuses seeds, places and bounds that are not integers', () => {
    expect(() => new Rng(0.5)).toThrow('A seed must be a safe integer, but 0.5 came.');
    expect(() => new Rng(0).fold(Number.NaN)).toThrow('NaN');
    expect(() => new Rng(0).integers(1, 0)).toThrow('The bound must be an integer in 1…2^31, but 0 came.');
  });
});
