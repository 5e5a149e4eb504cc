import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceData } from '@minigpt/testing/reference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { DocumentsError, documentsIn } from './documents.ts';

const shared = referenceData();

describe(`pnpm recipe mlp --quick, on ${shared ? 'TinyStories' : 'Moby Dick'}`, () => {
  let run: RecipeRun;
  beforeAll(async () => {
    const data = shared ? ['--data', join(shared, 'corpora/tinystories_1000.json')] : [];
    run = await runRecipe('mlp', ['--quick', '--backend', 'wasm', ...data]);
  }, 240_000);

  it('arrives at its numbers', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.numbers.filter(({ holds }) => !holds)).toEqual([]);
    const value = (what: string) => run.numbers.find((number) => number.what === what)?.value;
    expect(value('parameters')).toBe(1_344_512);
    if (shared) expect(value('tokens to train on')).toBe(391_149);
  });

  it('leaves a page with its chapters, plots and samples', () => {
    expect(run.page).toContain('Batches and the measure');
    expect(run.page?.match(/<svg /g)).toHaveLength(2);
    expect(run.page).toContain('After training, with top-5 sampling.');
  });
});

describe('documents', () => {
  it('come from a JSON array, JSON lines, or a text', () => {
    expect(documentsIn('["a", {"text": "b\\r\\n"}]', 'x.json')).toEqual(['a', 'b\n']);
    expect(documentsIn('{"text": "a"}\n\n"b"\n', 'x.jsonl')).toEqual(['a', 'b']);
    expect(documentsIn('["a"]', 'x.txt')).toEqual(['["a"]']);
  });

  it.each([
    ['[1]', 'x.json', 'entry 1 is neither'],
    ['{}', 'x.json', 'must be an array'],
    ['nothing', 'x.json', 'not JSON'],
    ['"a"\nnothing', 'x.jsonl', 'x.jsonl, line 2'],
  ])('%s in %s is refused', (contents, name, reason) => {
    expect(() => documentsIn(contents, name)).toThrow(DocumentsError);
    expect(() => documentsIn(contents, name)).toThrow(reason);
  });

  const folder = mkdtempSync(join(tmpdir(), 'minigpt-mlp-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['too few', ['a', 'b'], 'at least 20, but 2 came'],
    ['too short', Array.from({ length: 25 }, () => 'ab c'), 'for 512 tokens, but they give 258'],
  ])(
    'that are %s are one sentence',
    async (_, documents, reason) => {
      const path = join(folder, 'documents.json');
      writeFileSync(path, JSON.stringify(documents));
      const { code, stderr } = await runRecipe('mlp', ['--backend', 'cpu', '--data', path]);
      expect(code).toBe(1);
      expect(stderr.trim()).toMatch(new RegExp(`^mlp: .*${reason}.*$`));
    },
    60_000,
  );
});
