import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecipeRun, runRecipe } from '../../../scripts/lib/run-recipe.ts';
import { functionOf, functionsIn, isOver } from './functions.ts';
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
    expect(run.page).toContain('A beginning from the held-out files');
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
    /^python-code: .* only 0 came \(documents left out, not UTF-8 or without a "content": 1\); name more or longer files\.$/,
  );
}, 60_000);

it('finds functions with their docstrings', () => {
  const source =
    'import os\n\ndef f(a):\n    return a\n\n\ndef g():\n    r"""Says "no".\n\n    Twice. """\n\n    x = 1\n    return x\nclass A:\n    def h(self):\n        pass\n';
  expect(functionsIn(source)).toEqual([
    { head: 'def f(a):\n', docstring: '', body: '    return a\n' },
    {
      head: 'def g():\n',
      docstring: '    r"""Says "no".\n\n    Twice. """\n',
      body: '\n    x = 1\n    return x\n',
    },
  ]);
});

it('ends a function before the next statement, or after its last whole line', () => {
  expect(functionOf('def f():\n    a = 1\n\n    b = (')).toBe('def f():\n    a = 1');
  expect(isOver('def f():\n    a = 1\n\n    b = (')).toBe(false);
  expect(functionOf('def f():\n    a = 1\n\n\nde')).toBe('def f():\n    a = 1');
  expect(isOver('def f():\n    a = 1\n\n\nd')).toBe(true);
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
