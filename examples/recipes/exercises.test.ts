import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMobyDick } from '@minigpt/data/node';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// The answers to the exercises run, on little text and for a few steps: what they show in earnest is written in them.

const shared = referenceData();
const folder = mkdtempSync(join(tmpdir(), 'minigpt-exercises-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = join(folder, 'text.txt');
const STORIES = join(folder, 'stories.json');
const LETTERS = join(folder, 'letters.xml');
const MODULES = join(folder, 'modules');

beforeAll(async () => {
  const text = (await readMobyDick()).slice(0, 60_000).replace(/[<&]/g, ' ');
  const documents = Array.from({ length: 40 }, (_, i) => text.slice(1500 * i, 1500 * (i + 1)));
  const letters = documents.map((document) => `<div subtype="letter"><p>${document}</p></div>`);
  writeFileSync(TEXT, text);
  writeFileSync(STORIES, JSON.stringify(documents));
  mkdirSync(MODULES);
  for (let i = 0; i < 40; i++) {
    const functions = Array.from(
      { length: 10 },
      (_, k) => `def f_${i}_${k}(x):\n    return x + ${i * k}\n\n\n`,
    );
    writeFileSync(join(MODULES, `module_${i}.py`), functions.join(''));
  }
  writeFileSync(LETTERS, `<TEI><text><body>${letters.join('')}</body></text></TEI>`);
});

/** What a program prints that is run with these arguments. */
async function printed(run: () => Promise<unknown>, ...args: readonly string[]): Promise<string> {
  const { argv } = process;
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  process.argv = [...argv.slice(0, 2), ...args];
  try {
    await run();
  } finally {
    process.argv = argv;
    log.mockRestore();
  }
  return lines.join('\n');
}

/** The numbers in a text that stand behind a word. */
function numbers(text: string, behind: string): number[] {
  return [...text.matchAll(new RegExp(`${behind}\\s*([\\d.]+)`, 'g'))].map(([, number]) => Number(number));
}

describe('exercises of bigram', () => {
  it('1: a table of two characters', async () => {
    const text = await printed(() => import('./bigram/exercises/1-trigram.ts'), TEXT);
    expect(numbers(text, 'loss')[0]).toBeLessThan(3);
    expect(text).toMatch(/\d+ of \d+ rows occur/);
  });

  it('2: words and characters in bits per byte', async () => {
    const text = await printed(() => import('./bigram/exercises/2-words.ts'), TEXT);
    const [characters, words] = numbers(text, 'token,');
    expect(words).toBeLessThan(characters!);
  });

  it('3: what to add to each count', async () => {
    const text = await printed(() => import('./bigram/exercises/3-smoothing.ts'), TEXT);
    expect(text).toContain('add 0: Infinity');
    const [little] = numbers(text, 'add 0.1:');
    expect(little).toBeLessThan(numbers(text, 'add 100:')[0]!);
  });
});

describe('exercises of mlp', { timeout: 60_000 }, () => {
  it('1: five lengths of context', async () => {
    const text = await printed(() => import('./mlp/exercises/1-context.ts'), STORIES, '2');
    expect(numbers(text, 'context')).toEqual([2, 4, 8, 16, 32]);
    for (const loss of numbers(text, 'loss')) expect(loss).toBeLessThan(6.5);
  });

  it('2: direct connections', async () => {
    const text = await printed(() => import('./mlp/exercises/2-direct.ts'), STORIES, '2');
    expect(numbers(text, ':')).toHaveLength(2);
  });

  it('3: greedy and drawn', async () => {
    const text = await printed(() => import('./mlp/exercises/3-greedy.ts'), STORIES, '2');
    expect(text).toMatch(/--- greedy\n[\s\S]+--- top-5\n/);
  });
});

describe('exercises of cicero', { timeout: 60_000 }, () => {
  it('1: without positions', async () => {
    const text = await printed(() => import('./cicero/exercises/1-positions.ts'), LETTERS, '2');
    expect(numbers(text, 'positions:')).toHaveLength(2);
  });

  it('2: without each head', async () => {
    const text = await printed(() => import('./cicero/exercises/2-heads.ts'), LETTERS, '2');
    expect(text.match(/without head/g)).toHaveLength(16);
  });

  it('3: tied embeddings', async () => {
    const text = await printed(() => import('./cicero/exercises/3-tying.ts'));
    expect(text).toContain('cl100k_base: 27265536 parameters, 14430080 tied (47 % fewer)');
  });
});

describe('exercises of python-code', { timeout: 60_000 }, () => {
  it('1: white space', async () => {
    const text = await printed(() => import('./python-code/exercises/1-white-space.ts'), MODULES);
    const [ofBytes, ofJoined] = numbers(text, 'token,');
    expect(ofJoined).toBeLessThan(ofBytes!);
  });

  it('2: shards in their order', async () => {
    const text = await printed(() => import('./python-code/exercises/2-order.ts'), MODULES, '4');
    expect(numbers(text, 'loss')).toHaveLength(2);
  });

  it('3: by position and kind', async () => {
    const text = await printed(() => import('./python-code/exercises/3-positions.ts'), MODULES, '60');
    const [space] = numbers(text, 'white space:');
    expect(space).toBeLessThan(numbers(text, 'numbers:')[0]!);
  });
});

describe.skipIf(shared === undefined)(
  `exercises of anatomy, on stories260K ${NEEDS_REFERENCE_DATA}`,
  { timeout: 180_000 },
  () => {
    const model = join(shared ?? '', 'weights/stories260K.bin');

    it('1: temperature', async () => {
      const text = await printed(() => import('./anatomy/exercises/1-temperature.ts'), model);
      const [cold, warm, hot] = [...text.matchAll(/(\d+) tokens share/g)].map(([, count]) => Number(count));
      expect(cold).toBeLessThanOrEqual(warm!);
      expect(warm).toBeLessThan(hot!);
    });

    it('2: templates', async () => {
      const text = await printed(() => import('./anatomy/exercises/2-template.ts'), model);
      expect(text.split('\n')).toHaveLength(3);
    });

    it('3: without each block', async () => {
      const text = await printed(() => import('./anatomy/exercises/3-blocks.ts'), model);
      expect(text.match(/without block/g)).toHaveLength(5);
    });
  },
);
