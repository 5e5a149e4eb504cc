import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEncoding } from '@minigpt/tokenizers/node';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { readMobyDick } from '../moby-dick.ts';
import { readLines, readPiece } from './read-range.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-range-'));
const file = join(folder, 'text');
afterAll(() => rmSync(folder, { recursive: true }));

/** Cuts a file at some positions and reads the parts. */
function parts(read: typeof readLines, size: number, cuts: readonly number[]): string[] {
  const ends = [...new Set([...cuts.filter((cut) => cut > 0 && cut < size), size])].sort((a, b) => a - b);
  return ends.map((end, i) => Buffer.from(read(file, ends[i - 1] ?? 0, end).bytes).toString());
}

it('readLines gives every line once and whole, however the file is divided', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('', 'a', '  b', 'cc\tc', 'é'), { maxLength: 12 }),
      fc.boolean(),
      fc.array(fc.nat(40), { maxLength: 5 }),
      (lines, endsWithNewline, cuts) => {
        const text = lines.join('\n') + (endsWithNewline ? '\n' : '');
        writeFileSync(file, text);
        const found = parts(readLines, Buffer.byteLength(text), cuts);
        expect(found.join('')).toBe(text);
        const whole = found.filter((part) => part !== '' && !text.endsWith(part));
        for (const part of whole) expect(part.endsWith('\n')).toBe(true);
      },
    ),
  );
});

it('readPiece gives every character once, and falls back to lines', () => {
  const text = `${'one two, 3 four '.repeat(50)}\n${'一二三四\n'.repeat(400_000)}`;
  writeFileSync(file, text);
  const size = Buffer.byteLength(text);
  const found = parts(readPiece, size, [5, 6, 7, 8, 9, 10, 400, 900, size - 2_500_000, size - 2_000_000]);
  expect(found.join('')).toBe(text);
  expect(found.slice(0, 3)).toEqual(['one two, 3 four', '', '']);
  expect(found.at(-1)?.startsWith('一二三四\n')).toBe(true);
});

it('readPiece cuts a text where its ids are those of the whole', async () => {
  const text = `${'def f(x):\n\n    return x\n\n\n'.repeat(2000)}${(await readMobyDick()).slice(0, 100_000)}`;
  writeFileSync(file, text);
  const size = Buffer.byteLength(text);
  const found = parts(
    readPiece,
    size,
    Array.from({ length: size / 501 }, (_, i) => i * 501),
  );
  expect(found.length).toBeGreaterThan(200);
  for (const name of ['gpt2', 'cl100k_base', 'o200k_base'] as const) {
    const tokenizer = await loadEncoding(name);
    expect(found.flatMap((part) => tokenizer.encode(part))).toEqual(tokenizer.encode(text));
  }
});
