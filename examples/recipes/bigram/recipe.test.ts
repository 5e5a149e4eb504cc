import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceData } from '@minigpt/testing/reference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { countPairs } from './count-pairs.ts';

const shared = referenceData();

describe(`pnpm recipe bigram --quick, on ${shared ? 'Verne' : 'Moby Dick'}`, () => {
  let run: RecipeRun;
  beforeAll(async () => {
    const data = shared ? ['--data', join(shared, 'corpora/verne-18857.txt')] : [];
    run = await runRecipe('bigram', ['--quick', '--backend', 'wasm', ...data]);
  }, 120_000);

  it('arrives at its numbers', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.numbers.filter(({ holds }) => !holds)).toEqual([]);
    const loss = run.numbers.find(({ what }) => what === 'loss of the trained table');
    expect(loss?.value).toBeGreaterThan(2.4);
    expect(loss?.value).toBeLessThan(2.8);
    if (shared) expect(run.numbers[0]).toMatchObject({ what: 'characters in the vocabulary', value: 87 });
  });

  it('leaves a page with its chapters, plots and samples', () => {
    expect(run.page).toContain('Text to numbers');
    expect(run.page?.match(/<svg /g)).toHaveLength(3);
    expect(run.page).toContain('After training: 500 characters');
  });
});

describe.concurrent('a text that it cannot learn from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minigpt-bigram-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a missing file', 'nowhere.txt', undefined, 'it does not exist'],
    ['a file that is not UTF-8', 'latin.txt', Buffer.from('caf\xe9 noir', 'latin1'), 'must be UTF-8'],
    ['a short text', 'short.txt', 'abc', 'needs at least'],
  ])(
    '%s is one sentence',
    async (_, name, contents, reason) => {
      const path = join(folder, name);
      if (contents !== undefined) writeFileSync(path, contents);
      const { code, stderr } = await runRecipe('bigram', ['--backend', 'cpu', '--data', path]);
      expect(code).toBe(1);
      expect(stderr.trim()).toMatch(new RegExp(`^bigram: .*${reason}.*$`));
    },
    60_000,
  );
});

it('countPairs gives rows that sum to 1, and the loss by definition', () => {
  const { probabilities, loss } = countPairs(Uint16Array.of(0, 1, 0, 1, 1), 2);
  expect([...probabilities]).toEqual([1 / 4, 3 / 4, 2 / 4, 2 / 4]);
  expect(loss(Uint16Array.of(0, 1, 0))).toBeCloseTo(-(Math.log(3 / 4) + Math.log(2 / 4)) / 2, 12);
});
