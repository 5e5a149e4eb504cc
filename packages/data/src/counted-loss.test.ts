import { expect, it } from 'vitest';
import { countedLoss } from './counted-loss.ts';

it('countedLoss is what the formulas say', () => {
  const { tokens, pairs } = countedLoss(Uint16Array.of(0, 1, 0, 2, 0, 1), Uint16Array.of(0, 1, 2, 3, 0), 4);
  const single = [4 / 10, 3 / 10, 2 / 10, 1 / 10] as const; // (count + 1) / (6 + 4)
  const afterZero = (2 + 2 * single[1]) / (3 + 2); // 1 came twice of three times, beside one other token
  const afterOne = (0 + 1 * single[2]) / (1 + 1);
  const afterTwo = (0 + 1 * single[3]) / (1 + 1);
  const afterThree = single[0]; // which never came
  const mean = (of: readonly number[]) => of.reduce((sum, p) => sum - Math.log(p), 0) / of.length;
  expect(tokens).toBeCloseTo(mean([single[1], single[2], single[3], single[0]]), 12);
  expect(pairs).toBeCloseTo(mean([afterZero, afterOne, afterTwo, afterThree]), 12);
});

it('both tables give each token a probability, which sum to 1', () => {
  const train = Uint16Array.from({ length: 500 }, (_, i) => (i * i * 7 + (i >> 3)) % 9);
  for (const first of [0, 4, 9]) {
    const sums = { tokens: 0, pairs: 0 };
    for (let second = 0; second < 10; second++) {
      const { tokens, pairs } = countedLoss(train, Uint16Array.of(first, second), 10);
      sums.tokens += Math.exp(-tokens);
      sums.pairs += Math.exp(-pairs);
    }
    expect(sums.tokens).toBeCloseTo(1, 12);
    expect(sums.pairs).toBeCloseTo(1, 12);
  }
});
