import { Rng } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { expOfNegative } from './exp-of-negative.ts';

describe('expOfNegative', () => {
  it('is e^x to 1e-13 of it', () => {
    const rng = new Rng(5);
    const steps = Array.from({ length: 2000 }, (_, k) => (-k * Math.LN2) / 64); // and between them, where terms are most needed
    const anywhere = Array.from({ length: 2000 }, (_, i) => -700 * rng.fold(i).unit() ** 3);
    for (const x of [...steps, ...anywhere, -1e-300, -0, 0]) {
      expect(Math.abs(expOfNegative(x) / Math.exp(x) - 1), `x = ${x}`).toBeLessThan(1e-13);
    }
  });

  it('is 0 where nothing is left of it', () => {
    expect([-700, -1e9, Number.NEGATIVE_INFINITY].map(expOfNegative)).toEqual([0, 0, 0]);
  });
});
