import { expect, test } from 'vitest';
import { countsLine, skipLines } from './test-summary.mjs';

test('the closing line counts tests', () => {
  const skipped = [{ file: 'a.test.ts', title: 'a' }];
  expect(countsLine({ passed: 3, failed: 1, skipped })).toBe('3 passed, 1 failed, 1 skipped');
});

test('skipped tests are counted by reason, and those without one are named', () => {
  const lines = skipLines([
    { file: 'a.test.ts', title: 'golden (needs reference data: set MINIGPT_SHARED) > loss (mean)' },
    { file: 'a.test.ts', title: 'golden (needs reference data: set MINIGPT_SHARED) > gradients' },
    { file: 'b.test.ts', title: 'speed', note: 'needs tfjs-node: pnpm minigpt tensorflow' },
    { file: 'c.test.ts', title: 'mystery' },
  ]);
  expect(lines).toEqual([
    '',
    'Skipped:',
    '  2 tests: needs reference data: set MINIGPT_SHARED',
    '  1 test: needs tfjs-node: pnpm minigpt tensorflow',
    '  no reason given: c.test.ts: mystery',
    '',
  ]);
});

test('nothing is printed when nothing was skipped', () => {
  expect(skipLines([])).toEqual([]);
});
