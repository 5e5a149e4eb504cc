import { cp, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointFileError, CheckpointNotFoundError, TokenizerMismatchError } from '../errors.ts';
import { loadCheckpoint } from './load-checkpoint.ts';
import { saveCheckpoint } from './save-checkpoint.ts';
import { exampleCheckpoint } from './testing/example.ts';

const reference = referenceData();

let home: string;
let dir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  dir = join(home, 'run');
  await saveCheckpoint(dir, exampleCheckpoint(1));
});
afterEach(() => rm(home, { recursive: true }));

describe('loadCheckpoint', () => {
  it('leaves the optimizer on the disk where it is not wanted, even if it is damaged', async () => {
    await writeFile(join(dir, 'optimizer.safetensors'), '');
    expect((await loadCheckpoint(dir, { optimizer: false })).optimizer).toBeUndefined();
  });

  it('prefers, of what a killed run left, the newest that is whole', async () => {
    const [previous, saved, newer, half] = ['previous', 'saving', 'saving', 'saving'].map((role, i) =>
      join(home, `.run.${role}-${process.pid}-0000000${i}`),
    );
    await rename(dir, previous);
    expect((await loadCheckpoint(dir)).training).toEqual({ step: 1 });
    for (const [folder, step] of [
      [saved, 2],
      [newer, 3],
      [half, 4],
    ] as const) {
      await saveCheckpoint(join(home, 'next'), exampleCheckpoint(step));
      await rename(join(home, 'next'), folder);
    }
    await truncate(join(half, 'training.json'), 20);
    expect((await loadCheckpoint(dir)).training).toEqual({ step: 3 });
  });

  it.skipIf(reference === undefined)(
    `reads a folder that transformers wrote ${NEEDS_REFERENCE_DATA}`,
    async () => {
      const { config, weights, training } = await loadCheckpoint(
        join(reference as string, 'golden/models/gpt2'),
      );
      expect(config.model_type).toBe('gpt2');
      expect(weights.get('transformer.wte.weight')?.shape).toEqual([96, 32]);
      expect(training).toBeUndefined();
    },
  );
});

describe('a checkpoint that cannot be used is refused in one sentence', () => {
  it.each(['nothing', 'a file'])('where there is %s', async (found) => {
    const path = join(home, 'other');
    if (found === 'a file') await writeFile(path, '');
    await expect(loadCheckpoint(path)).rejects.toThrow(CheckpointNotFoundError);
    await expect(loadCheckpoint(path)).rejects.toThrow(`but ${found} is at ${path}`);
  });

  it('below a file', async () => {
    await expect(loadCheckpoint(join(dir, 'config.json', 'run'))).rejects.toThrow(CheckpointNotFoundError);
  });

  it('an empty folder', async () => {
    await mkdir(join(home, 'empty'));
    await expect(loadCheckpoint(join(home, 'empty'))).rejects.toThrow(
      /^config.json of the checkpoint .* is missing/,
    );
  });

  const files = ['config.json', 'model.safetensors', 'optimizer.safetensors', 'tokenizer.json'];

  it.each(files)('%s missing', async (file) => {
    await rm(join(dir, file));
    await expect(loadCheckpoint(dir)).rejects.toThrow(CheckpointFileError);
    await expect(loadCheckpoint(dir)).rejects.toMatchObject({ checkpoint: dir, file });
    await expect(loadCheckpoint(dir)).rejects.toThrow(/is missing/);
  });

  it.each([...files, 'training.json'])('%s truncated', async (file) => {
    const { length } = await readFile(join(dir, file));
    for (const kept of [0, 1, Math.floor(length / 2), length - 2]) {
      await truncate(join(dir, file), kept);
      await expect(loadCheckpoint(dir)).rejects.toThrow(CheckpointFileError);
      await expect(loadCheckpoint(dir)).rejects.toMatchObject({ checkpoint: dir, file });
    }
  });

  it.each([...files, 'training.json'])('%s a folder', async (file) => {
    await rm(join(dir, file));
    await mkdir(join(dir, file));
    await expect(loadCheckpoint(dir)).rejects.toMatchObject({ name: 'CheckpointFileError', file });
  });

  it.each(['[]', 'null', '1'])('config.json of %s', async (text) => {
    await writeFile(join(dir, 'config.json'), text);
    await expect(loadCheckpoint(dir)).rejects.toThrow(/must hold a JSON object/);
  });

  it('of a later version', async () => {
    const text = await readFile(join(dir, 'training.json'), 'utf8');
    await writeFile(join(dir, 'training.json'), text.replace('"version": 1', '"version": 2'));
    await expect(loadCheckpoint(dir)).rejects.toThrow(/version 1, but it is of .* version 2/);
  });

  it('with the tokenizer of another', async () => {
    const other = join(home, 'other');
    await saveCheckpoint(other, exampleCheckpoint(2));
    await cp(join(other, 'tokenizer.json'), join(dir, 'tokenizer.json'));
    await expect(loadCheckpoint(dir)).rejects.toThrow(TokenizerMismatchError);
    await expect(loadCheckpoint(dir)).rejects.toThrow(/must be the one its model was trained with/);
  });

  it('but not for white space in its tokenizer', async () => {
    const path = join(dir, 'tokenizer.json');
    await writeFile(path, JSON.stringify(JSON.parse(await readFile(path, 'utf8'))));
    expect(await loadCheckpoint(dir)).toEqual(exampleCheckpoint(1));
  });
});
