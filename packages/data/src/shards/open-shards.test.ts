import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rng } from '@minigpt/core';
import type { Tokenizer } from '@minigpt/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { windows } from '../batches.ts';
import { shuffledBatches } from '../shuffled-batches.ts';
import { ShardError } from './errors.ts';
import { openShards } from './open-shards.ts';
import type { ShardIndex } from './shard-index.ts';
import { exampleTexts, exampleTokenizer, expectedIds, write } from './testing/corpus.ts';
import { verifyShards } from './verify-shards.ts';

const folder = mkdtempSync(join(tmpdir(), 'minigpt-open-shards-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

const texts = exampleTexts(60);
let tokenizer: Tokenizer;
let ids: Uint16Array;

beforeAll(async () => {
  tokenizer = await exampleTokenizer();
  ids = Uint16Array.from(expectedIds(texts, tokenizer));
  writeFileSync(at('texts.jsonl'), texts.map((content) => JSON.stringify({ content })).join('\n'));
  await write({ sources: [at('texts.jsonl')], tokenizer, out: at('shards'), shardBytes: 2000, workers: 0 });
});

/** A copy of the shards, changed. */
function copy(name: string, change: (path: (file: string) => string) => void): string {
  cpSync(at('shards'), at(name), { recursive: true });
  change((file) => at(name, file));
  return at(name);
}

async function problems(where: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { problem } of verifyShards(where)) if (problem) found.push(problem.message);
  return found;
}

describe('openShards', () => {
  it('reads any part of the stream, over the ends of shards', async () => {
    const shards = await openShards(at('shards'), { tokenizer });
    expect(shards.index.shards.length).toBeGreaterThan(5);
    expect(shards.length).toBe(ids.length);
    for (const [start, end] of [
      [0, 3],
      [998, 1003],
      [0, ids.length],
      [500, 3500],
      [ids.length - 2, ids.length],
      [7, 7],
    ]) {
      expect(shards.subarray(start, end)).toEqual(ids.slice(start, end));
    }
    expect(shards.subarray(ids.length - 1, ids.length + 9)).toEqual(ids.slice(-1));
    const part = shards.part(990, 2020).part(5, 1e9);
    expect(part.length).toBe(1025);
    expect(part.subarray(0, 1025)).toEqual(ids.slice(995, 2020));
    shards.close();
  });

  it('is what batches and windows are made of, equal to those of an array', async () => {
    const shards = await openShards(at('shards'));
    const options = { blockSize: 16, batchSize: 7 };
    const [onDisk, inMemory] = [shards, ids].map((tokens) =>
      shuffledBatches({ tokens, ...options, rng: new Rng(3) }),
    );
    for (const step of [0, 1, 50, 999]) expect(onDisk(step)).toEqual(inMemory(step));
    expect([...windows({ tokens: shards.part(0, 900), ...options })]).toEqual([
      ...windows({ tokens: ids.subarray(0, 900), ...options }),
    ]);
    shards.close();
  });

  it.each<[string, (path: (file: string) => string) => void, string]>([
    ['no index', (path) => rmSync(path('index.json')), 'index.json of the shards in .* it is missing'],
    [
      'a shard missing',
      (path) => rmSync(path('shard-00001.bin')),
      'shard-00001.bin of the shards in .* it is missing',
    ],
    [
      'a shard truncated',
      (path) => truncateSync(path('shard-00002.bin'), 1999),
      'truncated: 1000 tokens take 2000 bytes, but 1999 are there',
    ],
    ['an index that is no JSON', (path) => writeFileSync(path('index.json'), '{'), 'it is not JSON'],
    [
      'another format',
      (path) => writeFileSync(path('index.json'), '{"format":"x"}'),
      'must be of format "minigpt-shards"',
    ],
    [
      'a file outside',
      (path) =>
        edit(path, (index) => ({
          ...index,
          shards: index.shards.map((shard) => ({ ...shard, file: '../x' })),
        })),
      'its field "shards" is missing or impossible',
    ],
    [
      'totals that are wrong',
      (path) => edit(path, (index) => ({ ...index, tokens: 5 })),
      'not the sums over its shards',
    ],
    [
      'a negative count',
      (path) => edit(path, (index) => ({ ...index, bytes: -1 })),
      'its field "bytes" is missing or impossible',
    ],
  ])('refuses %s', async (name, change, reason) => {
    const error = await openShards(copy(name, change)).catch((error) => error);
    expect(error).toBeInstanceOf(ShardError);
    expect(error.message).toMatch(new RegExp(reason));
  });

  it('refuses the shards of another tokenizer', async () => {
    const other = await exampleTokenizer(290);
    await expect(openShards(at('shards'), { tokenizer: other })).rejects.toThrow(
      'their ids are those of another tokenizer',
    );
  });
});

describe('verifyShards', () => {
  it('finds nothing where all is well', async () => expect(await problems(at('shards'))).toEqual([]));

  it('names every file that is not as it was written', async () => {
    const where = copy('damaged', (path) => {
      const bytes = readFileSync(path('shard-00000.bin'));
      bytes[7] ^= 1;
      writeFileSync(path('shard-00000.bin'), bytes);
      writeFileSync(path('shard-00001.bin'), Buffer.alloc(2000, 255));
      truncateSync(path('shard-00002.bin'), 10);
      rmSync(path('shard-00003.bin'));
      copyFileSync(path('index.json'), path('tokenizer.json'));
    });
    expect(await problems(where)).toEqual([
      expect.stringMatching(/tokenizer\.json .* written with another one/),
      expect.stringMatching(/shard-00000\.bin .*(SHA-256|token 3 is)/),
      expect.stringMatching(/shard-00001\.bin .* token 0 is 65535, and the vocabulary has 300/),
      expect.stringMatching(/shard-00002\.bin .* truncated: it has 10 bytes and should have 2000/),
      expect.stringMatching(/shard-00003\.bin .* cannot be read \(ENOENT\)/),
    ]);
  });
});

function edit(path: (file: string) => string, change: (index: ShardIndex) => object): void {
  writeFileSync(
    path('index.json'),
    JSON.stringify(change(JSON.parse(readFileSync(path('index.json'), 'utf8')))),
  );
}
