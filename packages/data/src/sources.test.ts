import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DownloadError, NoFilesError, TextEncodingError, TextFileError } from './errors.ts';
import { readMobyDick } from './moby-dick.ts';
import { findSources, readTexts, type SourcesOptions } from './sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-sources-'));
const at = (...names: string[]) => join(folder, ...names);
let server: Server;
let address: string;

beforeAll(async () => {
  mkdirSync(at('library', 'deep'), { recursive: true });
  mkdirSync(at('empty'));
  mkdirSync(at('elsewhere'));
  writeFileSync(at('library', 'b.txt'), 'second');
  writeFileSync(at('library', 'a.txt'), 'first');
  writeFileSync(at('library', 'deep', 'c.md'), 'third');
  writeFileSync(at('library', '.hidden'), 'no');
  writeFileSync(at('elsewhere', 'secret.txt'), 'no');
  symlinkSync(at('elsewhere'), at('library', 'link'));
  writeFileSync(at('latin.txt'), Buffer.from('caf\xe9', 'latin1'));
  server = createServer(({ url }, response) => {
    response.statusCode = url === '/text' ? 200 : 404;
    response.end('from afar');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function texts(where: string, options?: SourcesOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of readTexts(where, options)) found.push(text);
  return found;
}

describe('readTexts', () => {
  it('reads a file', async () => expect(await texts(at('library', 'a.txt'))).toEqual(['first']));

  it('reads a folder in the order of its paths, without hidden files and what links lead to', async () => {
    expect(await texts(at('library'))).toEqual(['first', 'second', 'third']);
    expect(await texts(at('library'), { extensions: ['.md'] })).toEqual(['third']);
  });

  it('reads a glob', async () => {
    expect(await texts(at('library', '*.txt'))).toEqual(['first', 'second']);
    expect(await texts(at('library', '**', '*.{md,txt}'))).toEqual(['first', 'second', 'third']);
  });

  it('reads an address, up to a limit', async () => {
    expect(await texts(`${address}/text`)).toEqual(['from afar']);
    await expect(texts(`${address}/text`, { maxDownloadBytes: 4 })).rejects.toThrow('longer than 4 bytes');
    await expect(texts(`${address}/none`)).rejects.toThrow(DownloadError);
    await expect(texts('http://127.0.0.1:1/')).rejects.toThrow('cannot be reached');
  });

  it('says what is wrong with what it was given', async () => {
    await expect(texts(at('nowhere.txt'))).rejects.toThrow(TextFileError);
    await expect(texts(at('latin.txt'))).rejects.toThrow(TextEncodingError);
    await expect(texts(at('empty'))).rejects.toThrow(NoFilesError);
    await expect(texts(at('library', '*.py'))).rejects.toThrow(NoFilesError);
  });
});

it('an address is not touched before its bytes are asked for', async () => {
  const [source] = await findSources('http://127.0.0.1:1/');
  expect(source?.name).toBe('http://127.0.0.1:1/');
});

it('the novel is there', async () => {
  expect((await readMobyDick()).startsWith('CHAPTER 1. Loomings.\n\nCall me Ishmael.')).toBe(true);
});
