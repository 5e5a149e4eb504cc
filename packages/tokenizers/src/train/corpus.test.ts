import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentsOf } from './corpus.ts';
import { readTextFiles } from './read-text-files.ts';
import { trainBpe } from './train-bpe.ts';

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

const TEXT = fc.string({
  unit: fc.constantFrom('a', 'B', '1', ' ', '\n', '\r', "'", 's', '.', 'é', '字', '😀'),
});

describe('documentsOf', () => {
  it('loses nothing and cuts only where a word ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(TEXT), async (pieces) => {
        const documents = await collect(documentsOf(pieces));
        expect(documents.join('')).toBe(pieces.join(''));
        for (const document of documents.slice(1)) expect(document).toMatch(/^[ \n]/);
        for (const document of documents.slice(0, -1)) expect(document).toMatch(/[\p{L}\p{N}]$/u);
      }),
    );
  });

  it.each(['gpt2', 'gpt4', 'o200k'])(
    'so that training on pieces is training on the whole: %s',
    async (pattern) => {
      await fc.assert(
        fc.asyncProperty(fc.array(TEXT), async (pieces) => {
          const options = { vocabSize: 270, pattern, minFrequency: 1 };
          expect(await trainBpe(documentsOf(pieces), options)).toEqual(
            await trainBpe(pieces.join(''), options),
          );
        }),
      );
    },
  );

  it('holds a bounded amount of text that has no words, and cuts no character', async () => {
    async function* noWords() {
      for (let i = 0; i < 40; i++) yield i === 0 ? 'x' : '😀'.repeat(1 << 18);
    }
    const documents = await collect(documentsOf(noWords()));
    expect(Math.max(...documents.map(({ length }) => length))).toBeLessThan((1 << 24) + (1 << 20));
    for (const document of documents.slice(1)) expect(document.charCodeAt(0)).toBe(0xd83d);
  });
});

describe('readTextFiles', () => {
  it('reads files one after another, characters whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minigpt-'));
    try {
      const paths = [join(folder, 'a.txt'), join(folder, 'b.txt')];
      const texts = ['字 '.repeat(100_000), 'second'];
      await Promise.all(paths.map((path, i) => writeFile(path, texts[i]!)));
      const documents = await collect(readTextFiles(paths));
      expect(documents.length).toBeGreaterThan(2);
      expect(documents.join('')).toBe(texts.join(''));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a file that is not UTF-8, also one that ends inside a character', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minigpt-'));
    try {
      const path = join(folder, 'latin1.txt');
      for (const bytes of [Buffer.from('caf\xe9 au lait', 'latin1'), Buffer.from('café').subarray(0, -1)]) {
        await writeFile(path, bytes);
        await expect(collect(readTextFiles([path]))).rejects.toThrow(
          `A text must be UTF-8, but ${path} is not`,
        );
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
