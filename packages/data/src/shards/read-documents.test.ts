import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MinigptError } from '@minigpt/core';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadDocumentsOptions, readDocuments } from './read-documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-documents-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

const texts = ['x = 1\n', '', 'é = "🙂"\n', 'def f():\r\n    pass'];

async function read(source: string, options?: ReadDocumentsOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of readDocuments([at(source)], options)) found.push(text);
  return found;
}

beforeAll(() => {
  const lines = texts.map((content) => JSON.stringify({ content, code: `# ${content}` })).join('\n');
  const columnData = [{ name: 'content', data: texts, type: 'STRING' as const }];
  const files: Record<string, string | Buffer> = {
    'a.py': texts[0]!,
    'lib/b.py': texts[2]!,
    'lib/notes.txt': 'no code',
    'lib/.hidden.py': 'hidden',
    'list.json': '["a text like any other"]',
    'lines.jsonl': lines,
    'lines.data': lines,
    'lines.ndjson': `\n${lines}\n\n`,
    'lines.jsonl.gz': gzipSync(lines),
    'lines.json.gz': Buffer.concat([
      gzipSync(lines.slice(0, 40)), // a file of several members is one stream
      gzipSync(lines.slice(40)),
    ]),
    'rows.parquet': Buffer.from(parquetWriteBuffer({ columnData })),
    'empty.jsonl': '',
    'latin.py': Buffer.from('caf\xe9', 'latin1'),
    'latin.jsonl': Buffer.from('{"content":"a"}\n{"content":"caf\xe9"}\n', 'latin1'),
    'fields.jsonl': '{"text":"a","id":1}\n',
    'number.jsonl': '{"content":7}\n',
    'cut.jsonl': '{"content":"a"}\n{"conten',
    'cut.jsonl.gz': gzipSync(lines.repeat(50)).subarray(0, 90),
    'plain.jsonl.gz': lines,
    'text.py.gz': gzipSync('x = 1\n'),
    'cut.parquet': Buffer.from(parquetWriteBuffer({ columnData })).subarray(0, 60),
  };
  mkdirSync(at('lib'));
  mkdirSync(at('nothing'));
  for (const [name, contents] of Object.entries(files)) writeFileSync(at(name), contents);
});

describe('readDocuments gives', () => {
  it.each([['lines.jsonl'], ['lines.ndjson'], ['lines.jsonl.gz'], ['lines.json.gz'], ['rows.parquet']])(
    'the documents of %s',
    async (source) => expect(await read(source)).toEqual(texts),
  );

  it('a file that is one text', async () => {
    expect(await read('a.py')).toEqual([texts[0]]);
    expect(await read('list.json')).toEqual(['["a text like any other"]']);
  });

  it('the files of a folder that count, and of a glob', async () => {
    expect(await read('lib', { extensions: ['.py'] })).toEqual([texts[2]]);
    expect(await read('lib')).toEqual([texts[2], 'no code']);
    expect(await read('**/[ab].py')).toEqual([texts[0], texts[2]]);
  });

  it('the field that is asked for', async () =>
    expect(await read('lines.jsonl', { field: 'code' })).toEqual(texts.map((text) => `# ${text}`)));

  it('lines of a file with another name, if told', async () =>
    expect(await read('lines.data', { format: 'jsonl' })).toEqual(texts));

  it('nothing for a file without documents', async () => expect(await read('empty.jsonl')).toEqual([]));

  it('what it can, where the rest is to be left out', async () =>
    expect(await read('latin.jsonl', { skipInvalid: true })).toEqual(['a']));
});

describe('readDocuments refuses in one sentence', () => {
  it.each([
    ['latin.py', 'latin.py: it is not UTF-8 (offset 3).'],
    ['latin.jsonl', 'the line at byte 16: it is not UTF-8'],
    ['fields.jsonl', 'the line at byte 0: it has no text "content" but text, id; name the field with texts.'],
    ['number.jsonl', 'its "content" is no text but number'],
    ['cut.jsonl', 'the line at byte 16: it is not JSON'],
    ['cut.jsonl.gz', 'cut.jsonl.gz: its gzip is damaged (unexpected end of file).'],
    ['plain.jsonl.gz', 'plain.jsonl.gz: its gzip is damaged (incorrect header check).'],
    ['text.py.gz', 'only JSON lines may be gzipped; unzip it'],
    ['cut.parquet', 'cut.parquet: it is not Parquet'],
    ['nowhere.jsonl', 'nowhere.jsonl'],
    ['nothing', 'nothing'],
    ['*.rs', '*.rs'],
  ])('%s', async (source, reason) => {
    const error = await read(source).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(MinigptError);
    expect((error as Error).message).toContain(reason);
    expect((error as Error).message).toMatch(/^[^\n]+\.$/);
  });

  it('a column that there is not', async () =>
    await expect(read('rows.parquet', { field: 'code' })).rejects.toThrow(
      'it has no column "code" but content',
    ));
});
