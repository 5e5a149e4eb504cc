import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@minigpt/backends';
import { Context, countParameters, dispose, Rng, withoutWeights } from '@minigpt/core';
import { FixedKVCache } from '@minigpt/sampling';
import { referenceData } from '@minigpt/testing/reference';
import { tensor2d, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { LetterModel } from './letter-model.ts';

const shared = referenceData();

describe(`pnpm recipe cicero --quick, on ${shared ? 'the Letters to Atticus' : 'Moby Dick'}`, () => {
  let run: RecipeRun;
  beforeAll(async () => {
    const data = shared ? ['--data', join(shared, 'corpora/atticus.xml')] : [];
    run = await runRecipe('cicero', ['--quick', '--backend', 'wasm', ...data]);
  }, 300_000);

  it('arrives at its numbers', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.numbers.filter(({ holds }) => !holds)).toEqual([]);
    const value = (what: string) => run.numbers.find((number) => number.what === what)?.value;
    expect(value('the whole against the bigram')).toBeLessThan(2.7);
    if (shared) {
      expect([value('letters'), value('characters'), value('distinct characters')]).toEqual([
        446, 825_568, 203,
      ]);
      expect(value('parameters of the model with cl100k_base')).toBe(27_362_741);
    }
  });

  it('leaves a page with its chapters, attention maps and samples', () => {
    expect(run.page).toContain('Averaging over the past');
    expect(run.page).toContain('Block 3, head 3');
    expect(run.page).toContain('characters that the model wrote');
  });
});

describe.concurrent('a text that it cannot learn from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minigpt-cicero-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['html', '<html><body><p>text</p></body></html>', 'Cannot read letters from .*begins with html'],
    ['a document cut off', '<TEI><text><div subtype="letter">', 'Cannot read letters from .*not well-formed'],
    ['a short text', 'Cicero Attico salutem. '.repeat(5), 'more than 32 characters, but it has 12'],
  ])(
    '%s is one sentence',
    async (_, contents, reason) => {
      const path = join(mkdtempSync(join(folder, 'case-')), 'edition.xml');
      writeFileSync(path, contents);
      const { code, stderr } = await runRecipe('cicero', ['--backend', 'cpu', '--data', path]);
      expect(code).toBe(1);
      expect(stderr.trim()).toMatch(new RegExp(`^cicero: .*${reason}.*$`));
    },
    60_000,
  );
});

describe('LetterModel', () => {
  const lesson = { blockSize: 32, nEmbd: 64, nHead: 4, nLayer: 4, scale: 64 ** -0.5, rng: new Rng(0) };

  it("has the lesson's 209,729 parameters with 65 characters", () => {
    const model = withoutWeights(() => new LetterModel({ ...lesson, vocabSize: 65 }));
    expect(countParameters(model)).toBe(209_729);
  });

  it('sees no later character, and the same through a cache', async () => {
    await selectBackend('cpu');
    const model = new LetterModel({ ...lesson, vocabSize: 7, nEmbd: 8, nHead: 2 });
    const logits = (ids: number[], cache?: FixedKVCache) =>
      tidy(() =>
        Array.from(model.call(tensor2d([ids], undefined, 'int32'), Context.evaluation({ cache })).dataSync()),
      );
    const whole = logits([1, 2, 3, 4, 5]);
    const difference = (part: readonly number[]) =>
      Math.max(...part.map((logit, i) => Math.abs(logit - whole[i]!)));
    expect(difference(logits([1, 2, 3, 6, 6]).slice(0, 21))).toBeLessThan(1e-6);
    const cache = new FixedKVCache({ capacity: 5 });
    expect(difference([...logits([1, 2, 3], cache), ...logits([4, 5], cache)])).toBeLessThan(2e-6);
    cache.dispose();
    dispose(model);
  });
});
