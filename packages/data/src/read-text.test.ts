import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TextEncodingError, TextFileError } from './errors.ts';
import { readText } from './node.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minigpt-data-'));
});

afterAll(() => rm(folder, { recursive: true }));

it('reads UTF-8, a byte-order mark dropped', async () => {
  await writeFile(join(folder, 'poem.txt'), '\uFEFFÉté\r\n😀');
  expect(await readText(join(folder, 'poem.txt'))).toBe('Été\r\n😀');
});

it('names the file that is not UTF-8', async () => {
  const path = join(folder, 'latin1.txt');
  await writeFile(path, Uint8Array.of(0x41, 0xe9));
  const error = await readText(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TextEncodingError);
  expect(error).toMatchObject({ source: path, byteOffset: 1 });
});

it('says that a file is not there, or is a folder', async () => {
  const missing = join(folder, 'missing.txt');
  const error = await readText(missing).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TextFileError);
  expect(error).toMatchObject({ path: missing, code: 'ENOENT' });
  expect((error as Error).message).toBe(
    `Cannot read the text file ${missing}: it does not exist; check the spelling and the folder that the command runs in.`,
  );
  await expect(readText(folder)).rejects.toThrow('it is a folder; name one file in it.');
});
