import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tokenizerDigest } from '@minigpt/checkpoints';
import { ConfigError, MinigptError } from '@minigpt/core';
import { characterTokenizer, type Tokenizer } from '@minigpt/tokenizers';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoFilesError, TextFileError } from '../errors.ts';
import { ShardError, ShardSourceError } from './errors.ts';
import { openShards } from './open-shards.ts';
import { readDocuments } from './read-documents.ts';
import { exampleTexts, exampleTokenizer, expectedIds, write } from './testing/corpus.ts';
import { type ShardEvent, writeShards } from './write-shards.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-shards-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

const texts = exampleTexts(900); // about 2 MB, so several pieces of work
let tokenizer: Tokenizer;
let expected: number[];
const shardBytes = 300_000; // 150,000 ids

beforeAll(async () => {
  tokenizer = await exampleTokenizer();
  expected = expectedIds(texts, tokenizer);
  mkdirSync(at('texts', 'deep'), { recursive: true });
  for (const [i, text] of texts.entries()) {
    writeFileSync(at('texts', i % 2 ? 'deep' : '', `${String(i).padStart(4, '0')}.py`), text);
  }
  const lines = texts.map((content, id) => JSON.stringify({ id, content }));
  writeFileSync(at('lines.jsonl'), lines.join('\n'));
  writeFileSync(at('lines.json.gz'), gzipSync(`${lines.join('\n\n')}\n`));
  const columnData = [
    { name: 'id', data: texts.map((_, i) => i), type: 'INT32' as const },
    { name: 'content', data: texts, type: 'STRING' as const },
  ];
  writeFileSync(at('rows.parquet'), Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: [250] })));
});

/** Every file of a folder with its bytes. */
const contents = (name: string) =>
  Object.fromEntries(
    readdirSync(at(name)).map((file) => [file, readFileSync(at(name, file)).toString('base64')]),
  );

async function idsIn(name: string): Promise<number[]> {
  const shards = await openShards(at(name));
  const ids = [...shards.subarray(0, shards.length)];
  shards.close();
  return ids;
}

describe('writeShards', () => {
  it('writes one stream of ids, an end-of-text id after each document, cut into shards', async () => {
    const index = await write({
      sources: [at('lines.jsonl')],
      tokenizer,
      out: at('one'),
      shardBytes,
      workers: 0,
    });
    expect(await idsIn('one')).toEqual(expected);
    expect(index).toMatchObject({
      dtype: 'uint16',
      vocabSize: tokenizer.vocabSize,
      tokens: expected.length,
      documents: texts.length,
      bytes: Buffer.byteLength(texts.join('')),
      skipped: 0,
      complete: true,
      tokenizerSha256: await tokenizerDigest(tokenizer.toJSON()),
    });
    expect(index?.shards.map(({ tokens }) => tokens)).toEqual([
      ...new Array(Math.floor(expected.length / 150_000)).fill(150_000),
      expected.length % 150_000,
    ]);
    expect(index?.shards.length).toBeGreaterThan(2);
  });

  it('gives the same bytes for any number of threads', async () => {
    await write({ sources: [at('lines.jsonl')], tokenizer, out: at('three'), shardBytes, workers: 2 });
    expect(contents('three')).toEqual(contents('one'));
  });

  it.each([
    ['gzipped JSON lines', 'lines.json.gz'],
    ['Parquet', 'rows.parquet'],
  ])('reads %s', async (_, source) => {
    await write({ sources: [at(source)], tokenizer, out: at(`from-${source}`), workers: 0 });
    expect(await idsIn(`from-${source}`)).toEqual(expected);
  });

  it.each(['lines.jsonl', 'lines.json.gz', 'rows.parquet'])(
    'readDocuments gives the texts of %s',
    async (source) => {
      const found: string[] = [];
      for await (const { text } of readDocuments([at(source)])) found.push(text);
      expect(found).toEqual(texts);
    },
  );

  it('reads a folder, and several sources one after another', async () => {
    const sources = [at('texts', 'deep'), at('texts', '*.py')];
    await write({ sources, extensions: ['.py'], tokenizer, out: at('folder'), workers: 0 });
    const odd = texts.filter((_, i) => i % 2 === 1);
    const even = texts.filter((_, i) => i % 2 === 0);
    expect(await idsIn('folder')).toEqual(expectedIds([...odd, ...even], tokenizer));
  });

  it('stores ids of a large vocabulary in 32 bits', async () => {
    const large = characterTokenizer.train(
      `ab\u{1f642}${String.fromCodePoint(...Array.from({ length: 70_000 }, (_, i) => 0x20000 + i))}`,
    );
    writeFileSync(at('large.txt'), 'ab\u{1f642}');
    const index = await write({
      sources: [at('large.txt')],
      tokenizer: large,
      out: at('large'),
      endOfText: 70_002,
      workers: 0,
    });
    expect(index?.dtype).toBe('uint32');
    expect(await idsIn('large')).toEqual([...large.encode('ab\u{1f642}'), 70_002]);
  });

  it('tells how it goes', async () => {
    const events: ShardEvent[] = [];
    for await (const event of writeShards({
      sources: [at('lines.json.gz')],
      tokenizer,
      out: at('told'),
      workers: 0,
    }))
      events.push(event);
    expect(events[0]).toMatchObject({ type: 'started', files: 1, tokens: 0, workers: 0 });
    const progress = events.filter((event) => event.type === 'progress');
    expect(progress.length).toBeGreaterThan(1);
    const last = progress.at(-1);
    expect(last).toMatchObject({ documents: texts.length, tokens: expected.length });
    expect(last?.sourceBytes).toBe(last?.sourceBytesInAll);
    expect(events.at(-1)?.type).toBe('finished');
  });

  it('encodes special tokens in a text as the text that they are', async () => {
    writeFileSync(at('special.txt'), 'a<|endoftext|>b');
    const index = await write({ sources: [at('special.txt')], tokenizer, out: at('special'), workers: 0 });
    expect(index?.documents).toBe(1);
    expect(await idsIn('special')).toEqual(expectedIds(['a<|endoftext|>b'], tokenizer));
  });
});

describe('after a stop', () => {
  const options = () => ({ sources: [at('lines.json.gz')], tokenizer, shardBytes });

  it.each([1, 2])(
    'after piece %i it goes on to the same bytes, and can be read before',
    async (stopAfter) => {
      const out = at(`stopped-${stopAfter}`);
      expect(await write({ ...options(), out, workers: 2 }, stopAfter)).toBeUndefined();
      const read = await idsIn(`stopped-${stopAfter}`);
      expect(read.length).toBeGreaterThan(0);
      expect(read).toEqual(expected.slice(0, read.length));
      expect((await openShards(out)).index.complete).toBe(false);

      await write({ ...options(), out, workers: 0 });
      const whole = at('never-stopped');
      await write({ ...options(), out: whole, workers: 0 });
      expect(contents(`stopped-${stopAfter}`)).toEqual(contents('never-stopped'));
    },
  );

  it('drops what a killed run wrote behind what it had counted', async () => {
    const out = at('killed');
    await write({ ...options(), out, workers: 0 }, 1);
    const { shards } = (await openShards(out)).index;
    appendFileSync(join(out, shards.at(-1)?.file as string), 'half a write');
    writeFileSync(
      join(out, `shard-${String(shards.length).padStart(5, '0')}.bin`),
      'a shard that no index counts',
    );
    writeFileSync(join(out, 'index.json.new'), '{"half');
    expect(await idsIn('killed')).toEqual(
      expected.slice(
        0,
        shards.reduce((sum, { tokens }) => sum + tokens, 0),
      ),
    );
    await write({ ...options(), out, workers: 0 });
    rmSync(join(out, 'index.json.new'), { force: true });
    expect(contents('killed')).toEqual(contents('never-stopped'));
  });

  it('does nothing where all is done', async () => {
    const events: string[] = [];
    for await (const { type } of writeShards({ ...options(), out: at('never-stopped') })) events.push(type);
    expect(events).toEqual(['started', 'finished']);
  });

  it('goes on with nothing but the same files and settings', async () => {
    const out = at('changed');
    await write({ ...options(), out, workers: 0 }, 1);
    await expect(write({ ...options(), out, field: 'text' })).rejects.toThrow(
      'begun from other files or with other settings',
    );
    utimesSync(at('lines.json.gz'), new Date(), new Date(1_000_000));
    await expect(write({ ...options(), out })).rejects.toThrow(ShardError);
    writeFileSync(join(out, 'shard-00000.bin'), 'nonsense');
    utimesSync(at('lines.json.gz'), new Date(), new Date(2_000_000));
    await expect(write({ ...options(), out })).rejects.toThrow(ShardError);
  });
});

describe('what cannot be tokenised', () => {
  const attempt = (source: string, more: object = {}) =>
    write({ sources: [at(source)], tokenizer, out: at(`bad-${source}`), workers: 0, ...more });
  const gz = (text: string) => gzipSync(text);

  it.each([
    [
      'latin.py',
      Buffer.from('caf\xe9', 'latin1'),
      'Cannot tokenise .*latin.py: it is not UTF-8 \\(offset 3\\).',
    ],
    ['broken.jsonl', '{"content":"a"}\n{"content":\n', 'the line at byte 16: it is not JSON'],
    [
      'fields.jsonl',
      '{"text":"a","id":1}\n',
      'the line at byte 0: it has no text "content" but text, id; name the field',
    ],
    ['null.jsonl', 'null\n', 'it has no text "content" but nothing'],
    [
      'cut.jsonl.gz',
      gz('{"content":"a"}\n'.repeat(500)).subarray(0, 60),
      'cut.jsonl.gz: its gzip is damaged',
    ],
    ['text.txt.gz', gz('a'), 'only JSON lines may be gzipped'],
    ['bad.parquet', 'PAR1 not really', 'bad.parquet: it is not Parquet'],
  ])('%s is one sentence', async (name, bytes, reason) => {
    writeFileSync(at(name), bytes);
    const error = await attempt(name).catch((error) => error);
    expect(error).toBeInstanceOf(ShardSourceError);
    expect(error.message).toMatch(new RegExp(reason));
  });

  it('Parquet without the column names those that it has', async () => {
    await expect(attempt('rows.parquet', { field: 'code' })).rejects.toThrow(
      'it has no column "code" but id, content',
    );
    await expect(attempt('rows.parquet', { field: 'id' })).rejects.toThrow(
      'row 0: its column "id" holds no text but number',
    );
  });

  it('is left out and told of, if that is asked for', async () => {
    writeFileSync(at('mixed.jsonl'), '{"content":"a"}\n{"no":1}\nnonsense\n{"content":"b"}\n');
    const events: ShardEvent[] = [];
    const options = {
      sources: [at('mixed.jsonl')],
      tokenizer,
      out: at('mixed'),
      workers: 0,
      skipInvalid: true,
    };
    for await (const event of writeShards(options)) events.push(event);
    expect(events.filter(({ type }) => type === 'skipped')).toHaveLength(2);
    expect(await idsIn('mixed')).toEqual(expectedIds(['a', 'b'], tokenizer));
    expect((await openShards(at('mixed'))).index.skipped).toBe(2);
  });

  it('says what is wrong with what was asked for', async () => {
    await expect(attempt('nowhere.txt')).rejects.toThrow(TextFileError);
    await expect(attempt('texts/*.rs')).rejects.toThrow(NoFilesError);
    await expect(write({ sources: ['https://localhost/x'], tokenizer, out: at('url') })).rejects.toThrow(
      'download it first',
    );
    await expect(attempt('large.txt', { tokenizer: characterTokenizer.train('ab') })).rejects.toThrow(
      ConfigError,
    );
    await expect(attempt('large.txt', { endOfText: '<none>' })).rejects.toThrow(
      'the tokenizer has no <none>',
    );
    await expect(attempt('large.txt', { endOfText: 300 })).rejects.toThrow('must lie in 0…299');
    await expect(attempt('large.txt', { workers: 0.5 })).rejects.toThrow(
      'workers must be an integer that is not negative',
    );
    await expect(attempt('large.txt', { out: at('texts') })).rejects.toThrow(
      'the folder holds something else',
    );
    const letters = { tokenizer: characterTokenizer.train('ab'), endOfText: 0 };
    await expect(attempt('large.txt', letters)).rejects.toThrow(
      /large\.txt: The vocabulary has no token for "🙂"/,
    );
    cpSync(at('one'), at('taken'), { recursive: true });
    await expect(attempt('large.txt', { out: at('taken') })).rejects.toThrow(MinigptError);
  });
});
