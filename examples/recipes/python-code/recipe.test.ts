import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { functionsIn, wholeLines } from './functions.ts';
import { whichParse } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-python-code-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

/** Modules that no two are alike, for machines with any Python or none. */
const modules = Array.from(
  { length: 60 },
  (_, i) =>
    `"""Module ${i}."""\n\n${Array.from({ length: 20 }, (_, k) => `def scale_${i}_${k}(value, factor=${k}):\n    """Multiplies."""\n    if value > ${i}:\n        return value * factor\n    return [value, ${i + k}]\n\n\n`).join('')}`,
);

const python = await whichParse([]);

describe('pnpm recipe python-code --quick', () => {
  let run: RecipeRun;
  beforeAll(async () => {
    mkdirSync(at('modules'));
    for (const [i, text] of modules.entries()) writeFileSync(at('modules', `module_${i}.py`), text);
    run = await runRecipe('python-code', ['--quick', '--backend', 'wasm', '--data', at('modules')]);
  }, 240_000);

  it('arrives at its numbers', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(0);
    expect(run.numbers.filter(({ holds }) => !holds)).toEqual([]);
    const value = (what: string) => run.numbers.find((number) => number.what === what)?.value;
    expect(value('loss on held-out files, nats per token')).toBeLessThan(3);
  });

  it('leaves a page with its chapters, plots and samples', () => {
    expect(run.page).toContain('Batches, and targets shifted by one');
    expect(run.page).toContain('A head from the held-out files');
    if (python) expect(run.page).toContain('python3 parses');
    expect(run.page?.match(/<svg /g)?.length).toBe(python ? 3 : 2);
  });
});

it('takes JSON lines, gzipped too', async () => {
  writeFileSync(
    at('code.json.gz'),
    gzipSync(modules.map((content) => JSON.stringify({ content })).join('\n')),
  );
  const { stderr, numbers } = await runRecipe('python-code', [
    '--quick',
    '--backend',
    'wasm',
    '--steps',
    '10',
    '--data',
    at('code.json.gz'),
  ]);
  expect(stderr).toBe('');
  expect(numbers.find(({ what }) => what.startsWith('bytes that the tokens stand for'))?.holds).toBe(true);
}, 120_000);

it('says in a sentence what it cannot read', async () => {
  writeFileSync(at('code.jsonl'), '{"text": "x = 1"}\n');
  const { code, stderr } = await runRecipe('python-code', [
    '--quick',
    '--backend',
    'cpu',
    '--data',
    at('code.jsonl'),
  ]);
  expect(code).toBe(1);
  expect(stderr.trim()).toMatch(
    /^python-code: .*--field.*$|^python-code: .*no text.*$|^python-code: .*name more.*$/,
  );
}, 60_000);

it('finds functions and cuts them after whole lines', () => {
  const source =
    'import os\n\ndef f(a):\n    return a\n\n\ndef g():\n\n    x = 1\n    return x\nclass A:\n    def h(self):\n        pass\n';
  expect(functionsIn(source)).toEqual([
    { head: 'def f(a):\n', body: '    return a\n' },
    { head: 'def g():\n', body: '\n    x = 1\n    return x\n' },
  ]);
  expect(wholeLines('    a = 1\n\n    b = (')).toBe('    a = 1');
});

it.skipIf(python === undefined)(
  'python3 tells Python from what is none, and runs nothing (needs python3: apt-get install python3)',
  async () => {
    const sources = [
      'x = 1',
      'x = ',
      'raise SystemExit(3)',
      'import os; os.abort()',
      '('.repeat(5000),
      'a\0b',
      'é = "🙂"',
    ];
    expect(await whichParse(sources)).toEqual([true, false, true, true, false, false, true]);
  },
);
