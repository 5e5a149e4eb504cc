import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeBetweenMarkers } from './between-markers.ts';
import { explainError } from './explain-error.ts';
import { Lesson } from './lesson.ts';
import { publish } from './publish.ts';
import {
  indentedForTerminal,
  proseForTerminal,
  sampleForTerminal,
  tableForTerminal,
  terminalWidth,
} from './terminal.ts';
import { writeWhole } from './write-whole.ts';

let folder: string;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minigpt-lesson-'));
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  process.exitCode = undefined;
});

const page = () => readFileSync(join(folder, 'index.html'), 'utf8');
const lesson = () => new Lesson({ title: 'T', lead: 'L', folder });

it('says everything twice: on the terminal and on the page', () => {
  const told = lesson();
  told.chapter('First');
  told.say('Some **bold** words.');
  told.table({ columns: ['n'], rows: [[1]], caption: 'A table' });
  told.sample({ text: 'verbatim', caption: 'A sample' });
  told.figure({ name: 'curve', html: '<svg></svg>', caption: 'A figure' });
  told.finish();
  for (const word of ['First', 'bold', 'A table', 'verbatim', 'A figure']) {
    expect(page()).toContain(word);
    expect(printed).toContain(word);
  }
  expect(readFileSync(join(folder, 'curve.svg'), 'utf8')).toBe('<svg></svg>');
});

it('keeps the page of the chapters before when it goes no further', () => {
  const told = lesson();
  told.chapter('First');
  told.say('kept');
  told.chapter('Second');
  told.say('not yet');
  expect(page()).toContain('kept');
  expect(page()).not.toContain('not yet');
});

it('fails the process if, and only if, a number is not as it should be', () => {
  const good = lesson();
  good.check('loss', 2.6, { atMost: 2.62 }, 'a reference');
  good.check('letters', 446, { equals: 446 }, 'a reference');
  good.check('baseline', 4.47, { near: 4.46, within: 0.02 }, 'a reference');
  good.finish();
  expect(process.exitCode).toBeUndefined();
  const bad = lesson();
  bad.check('loss', 2.63, { atMost: 2.62 }, 'a reference');
  bad.check('nothing', Number.NaN, { atMost: 2.62 }, 'a reference');
  bad.finish();
  expect(process.exitCode).toBe(1);
  const [{ what, holds }] = JSON.parse(readFileSync(join(folder, 'numbers.json'), 'utf8'));
  expect([what, holds]).toEqual(['loss', false]);
  expect(page()).toContain('2 of 2 numbers are not');
});

it('leaves the old file whole, and nothing beside it, where the new one cannot be written', () => {
  const path = join(folder, 'whole.txt');
  writeWhole(path, 'old');
  const tooLarge = {
    toString: () => {
      throw new Error('disk full');
    },
  } as unknown as string;
  expect(() => writeWhole(path, tooLarge)).toThrow();
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['whole.txt']);
});

it('replaces what stands between two markers, and only that', () => {
  const path = join(folder, 'README.md');
  writeFileSync(path, 'before\n<!-- a -->\nold\n<!-- /a -->\nafter\n');
  writeBetweenMarkers(path, 'a', 'new');
  writeBetweenMarkers(path, 'a', 'newer');
  expect(readFileSync(path, 'utf8')).toBe('before\n<!-- a -->\nnewer\n<!-- /a -->\nafter\n');
  expect(() => writeBetweenMarkers(path, 'b', '')).toThrow('must have the lines <!-- b -->');
});

it('publishes numbers into the README, figures and a sample into the documentation', () => {
  const readme = join(folder, 'README.md');
  const docs = join(folder, 'recipes.md');
  writeFileSync(readme, '<!-- figures: Text -->\n<!-- /figures: Text -->\n');
  writeFileSync(docs, '<!-- r -->\n<!-- /r -->\n');
  writeFileSync(join(folder, 'loss.svg'), '<svg/>');
  publish({
    recipe: 'r',
    text: 'Text',
    run: 'A run.',
    checks: [{ what: 'loss', value: 2.6071, rule: { atMost: 2.62 }, source: 'PyTorch' }],
    readme,
    docs: { page: docs, folder, figures: [{ name: 'loss', caption: 'Loss' }], sample: 'Once' },
  });
  expect(readFileSync(readme, 'utf8')).toContain('| loss | 2.607 | ≤ 2.62 | PyTorch |');
  expect(readFileSync(docs, 'utf8')).toContain('![Loss](recipes/r-loss.svg)');
  expect(readFileSync(docs, 'utf8')).toContain('```text\nOnce\n```');
  expect(readFileSync(join(folder, 'recipes/r-loss.svg'), 'utf8')).toBe('<svg/>');
});

it('fits a narrow terminal', () => {
  const longest = (text: string) =>
    Math.max(...text.split('\n').map((line) => stripVTControlCharacters(line).length));
  const words = 'one two three four five six seven eight nine ten '.repeat(3);
  expect(longest(proseForTerminal(words, 30))).toBeLessThanOrEqual(30);
  expect(longest(sampleForTerminal(words, 30))).toBeLessThanOrEqual(30);
  expect(longest(indentedForTerminal(words, 30, '    '))).toBeLessThanOrEqual(30);
  expect(indentedForTerminal('one two three', 12, '    ', '  ✓ ')).toBe('  ✓ one two\n    three');
  const table = { columns: ['a', 'b'], rows: [[words, words]] };
  expect(longest(tableForTerminal(table, 30))).toBeLessThanOrEqual(30);
});

it('takes the width of a file from COLUMNS, and 80 without', () => {
  const file = {} as NodeJS.WriteStream;
  vi.stubEnv('COLUMNS', '40');
  expect(terminalWidth(file)).toBe(39);
  expect(terminalWidth({ columns: 60 } as NodeJS.WriteStream)).toBe(59);
  vi.stubEnv('COLUMNS', 'wide');
  expect(terminalWidth(file)).toBe(79);
  vi.unstubAllEnvs();
});

it('wraps the cells of a table within their columns, and keeps numbers whole', () => {
  const table = {
    columns: ['name', 'count', 'meaning'],
    rows: [['a.long.name', '1,234,567', 'what 🙂 it means']],
  };
  expect(stripVTControlCharacters(tableForTerminal(table, 36))).toBe(
    [
      '  name            count  meaning',
      '  a.long.nam  1,234,567  what 🙂 it',
      '  e                      means',
    ].join('\n'),
  );
});

it('makes a list of each row of a table that is too wide for the terminal', () => {
  const table = {
    columns: ['name', 'count', 'text'],
    rows: [
      ['a', '1,234,567', 'one two three'],
      ['b', '2', ''],
    ],
  };
  expect(stripVTControlCharacters(tableForTerminal(table, 20))).toBe(
    [
      '  name   a',
      '  count  1,234,567',
      '  text   one two',
      '         three',
      '',
      '  name   b',
      '  count  2',
    ].join('\n'),
  );
});

it('lets no text move the cursor', () => {
  expect(sampleForTerminal('a\u001b[2Jb', 40)).not.toContain('\u001b[2J');
});

it('explains errors of the system and of ours in a sentence, others with their stack', () => {
  class Ours extends Error {}
  expect(explainError(new Ours('Because.'), [Ours])).toBe('Because.');
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write', path: '/x' });
  expect(explainError(full, [])).toBe('Cannot write /x: the disk is full; free some space.');
  expect(explainError(new Error('odd'), [])).toContain('lesson.test.ts');
});
