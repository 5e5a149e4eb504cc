import { readFileSync } from 'node:fs';
import type { HostTensor } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { CheckpointFileError, SafetensorsError } from '../errors.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { writeSafetensors } from '../safetensors/write.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { bytesSource } from '../source/bytes-source.ts';
import type { SourceFolder } from '../source/folder.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { readStateDict } from '../source/memory.ts';
import { ShardError } from './errors.ts';
import { openSafetensors } from './open-safetensors.ts';
import { INDEX_FILE, openSharded, openWeights } from './open-sharded.ts';
import { weightFiles } from './write-sharded.ts';

const dtypes = Uint8Array.from(
  readFileSync(new URL('../safetensors/fixtures/dtypes.safetensors', import.meta.url)),
);

const floats = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

/** Files in memory; `open` counts the sources that are not closed. */
function folderOf(files: Record<string, Uint8Array>) {
  const open = new Set<string>();
  const folder: SourceFolder = {
    name: 'the folder',
    async open(file) {
      if (!Object.hasOwn(files, file)) return undefined;
      const source = bytesSource(files[file], file);
      open.add(file);
      const close = async () => void open.delete(file);
      return { ...source, close } satisfies ByteSource;
    },
  };
  return { folder, open };
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const index = (weight_map: Record<string, unknown>) => json({ metadata: { total_size: 0 }, weight_map });

async function filesOf(state: ReadonlyMap<string, HostTensor>, maxShardBytes?: number) {
  const files: Record<string, Uint8Array> = {};
  for (const [file, chunks] of weightFiles(hostTensors(state), { maxShardBytes })) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    files[file] = Uint8Array.from(Buffer.concat(parts));
  }
  return files;
}

describe('openSafetensors', () => {
  it('knows and reads every dtype as readSafetensors does', async () => {
    const expected = readSafetensors(dtypes);
    const lazy = await openSafetensors(bytesSource(dtypes));
    expect(lazy.metadata).toEqual(expected.metadata);
    expect(await readStateDict(lazy)).toEqual(expected.tensors);
    for (const [name, { dtype, shape }] of expected.tensors) {
      expect(lazy.tensors.get(name), name).toMatchObject({ dtype, shape });
    }
    expect(lazy.tensors.get('bf16')).toMatchObject({ storedAs: 'BF16', storedBytes: 10 });
    await expect(lazy.read('other')).rejects.toThrow('has none "other"');
  });

  it('refuses what readSafetensors refuses', async () => {
    for (const length of [0, 7, 8, 100, dtypes.length - 1]) {
      const truncated = dtypes.subarray(0, length);
      await expect(openSafetensors(bytesSource(truncated))).rejects.toThrow(SafetensorsError);
    }
    await expect(openSafetensors(bytesSource(dtypes), { maxHeaderBytes: 16 })).rejects.toThrow(
      'at most 16 bytes',
    );
  });
});

describe('weightFiles', () => {
  const state = new Map([
    ['c', floats(1, 2, 3)],
    ['a', floats(4)],
    ['b', floats(5, 6)],
    ['d', { dtype: 'int32', shape: [], data: Int32Array.of(7) } as HostTensor],
  ]);

  it('writes one file, as writeSafetensors does, where it is small enough', async () => {
    const files = await filesOf(state);
    expect(files).toEqual({ 'model.safetensors': writeSafetensors(state, { format: 'pt' }) });
  });

  it('fills shards in order, gives a large tensor one of its own, and writes an index', async () => {
    const files = await filesOf(state, 12);
    expect(Object.keys(files)).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      INDEX_FILE,
    ]);
    expect(JSON.parse(new TextDecoder().decode(files[INDEX_FILE]))).toEqual({
      metadata: { total_size: 28 },
      weight_map: {
        a: 'model-00002-of-00003.safetensors',
        b: 'model-00002-of-00003.safetensors',
        c: 'model-00001-of-00003.safetensors',
        d: 'model-00003-of-00003.safetensors',
      },
    });
    const tiny = await filesOf(state, 1);
    expect(Object.keys(tiny)).toHaveLength(5);
    for (const written of [files, tiny]) {
      const { folder, open } = folderOf(written);
      const weights = await openWeights(folder, 'model.safetensors');
      expect(await readStateDict(weights!)).toEqual(state);
      await expect(weights!.read('e')).rejects.toThrow('has none "e"');
      await weights!.close();
      expect(open.size).toBe(0);
    }
  });

  it('of nothing is a file of no tensors', async () => {
    expect(readSafetensors((await filesOf(new Map()))['model.safetensors']).tensors.size).toBe(0);
  });
});

describe('openSharded', () => {
  const shard = (...names: string[]) => writeSafetensors(new Map(names.map((name) => [name, floats(1)])));

  it('lists every fault of an index and its shards at once, and closes them', async () => {
    const { folder, open } = folderOf({
      [INDEX_FILE]: index({
        kept: 'one',
        lost: 'one',
        elsewhere: 'three',
        up: '../secret',
        root: '/etc/passwd',
        windows: 'C:\\secret',
        twice: 'one',
      }),
      one: shard('kept', 'twice', 'stray'),
      two: shard('never opened'),
      '../secret': shard('up'),
    });
    const error = await openSharded(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ShardError);
    expect(error).toMatchObject({
      outsideShards: ['../secret', '/etc/passwd', 'C:\\secret'],
      missingShards: ['three'],
      missingTensors: ['lost'],
      duplicateTensors: [],
      unexpectedTensors: ['stray'],
    });
    expect((error as ShardError).message).toContain('missing shards: three; missing tensors: lost');
    expect(open.size).toBe(0);
  });

  it('refuses a tensor that two shards hold', async () => {
    const { folder } = folderOf({
      [INDEX_FILE]: index({ a: 'one', b: 'two' }),
      one: shard('a', 'b'),
      two: shard('b'),
    });
    await expect(openSharded(folder)).rejects.toMatchObject({ duplicateTensors: ['b'], missingTensors: [] });
  });

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['no map', json({ weight_map: [] })],
    ['a number for a shard', index({ a: 1 })],
  ])('refuses an index that is %s', async (_, bytes) => {
    const { folder, open } = folderOf({ [INDEX_FILE]: bytes });
    const opening = openSharded(folder);
    await expect(opening).rejects.toMatchObject({ constructor: CheckpointFileError, file: INDEX_FILE });
    expect(open.size).toBe(0);
  });

  it('names the shard that is broken, and closes the others', async () => {
    const { folder, open } = folderOf({
      [INDEX_FILE]: index({ a: 'one', b: 'two' }),
      one: shard('a'),
      two: shard('b').subarray(0, 20),
    });
    await expect(openSharded(folder)).rejects.toMatchObject({
      constructor: CheckpointFileError,
      file: 'two',
    });
    expect(open.size).toBe(0);
  });

  it('is undefined where there is no index', async () => {
    expect(await openWeights(folderOf({}).folder, 'model.safetensors')).toBeUndefined();
  });
});
