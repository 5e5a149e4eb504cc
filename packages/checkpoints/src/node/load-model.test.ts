import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispose, Rng, stateDict } from '@minigpt/core';
import { Bigram, GPT } from '@minigpt/models';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import { NEEDS_REFERENCE_DATA, readReferenceTensors, referenceData } from '@minigpt/testing/reference';
import { characterTokenizer } from '@minigpt/tokenizers';
import { memory, tensor2d } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Checkpoint } from '../checkpoint.ts';
import { CheckpointFileError, TokenizerMismatchError } from '../errors.ts';
import { loadModel } from './load-model.ts';
import { saveCheckpoint } from './save-checkpoint.ts';

const tokenizer = characterTokenizer.train('Call me Ishmael.');
const reference = referenceData();

async function exampleOf(vocabSize: number): Promise<Checkpoint> {
  const model = new GPT({ vocabSize, blockSize: 8, nLayer: 1, nHead: 2, nEmbd: 4, rng: new Rng(vocabSize) });
  const weights = await stateDict(model);
  dispose(model);
  return { config: model.toConfig(), weights, tokenizer: tokenizer.toJSON() };
}

describeOnBackends('loadModel', () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'checkpoints-')), 'run');
  });
  afterEach(() => rm(join(dir, '..'), { recursive: true }));

  it('gives back the weights and the tokenizer that were saved', async () => {
    const saved = await exampleOf(tokenizer.vocabSize);
    await saveCheckpoint(dir, saved);
    const loaded = await loadModel(dir);
    expect(await stateDict(loaded.model)).toEqual(saved.weights);
    expect(loaded.model.toConfig()).toEqual(saved.config);
    expect(loaded.tokenizer?.decode(loaded.tokenizer.encode('me Call'))).toBe('me Call');
    dispose(loaded.model);
  });

  it('takes a tokenizer with fewer ids than the model, whose table may be padded', async () => {
    await saveCheckpoint(dir, await exampleOf(64));
    const { model } = await loadModel(dir);
    expect(model.vocabSize).toBe(64);
    dispose(model);
  });

  it('refuses, and leaves nothing loaded: another shape, another family, another tokenizer', async () => {
    const [small, large] = [await exampleOf(8), await exampleOf(64)];
    const bigram = new Bigram({ vocabSize: 64, rng: new Rng(0) });
    const before = memory().numTensors;
    const refusals: [
      checkpoint: Checkpoint,
      error: typeof CheckpointFileError | typeof TokenizerMismatchError,
      message: RegExp,
    ][] = [
      [
        { ...large, weights: small.weights },
        CheckpointFileError,
        /^model.safetensors .*misshapen: .*wte.weight/,
      ],
      [
        { ...large, config: bigram.toConfig() },
        CheckpointFileError,
        /^model.safetensors .*missing: .*unexpected: /,
      ],
      [{ ...large, config: { model_type: 'elman' } }, CheckpointFileError, /^config.json .* model_type/],
      [{ ...large, config: { ...large.config, n_head: 0 } }, CheckpointFileError, /^config.json .*n_head/],
      [small, TokenizerMismatchError, /the model knows 8 tokens\), but another came \(it has 10\)/],
    ];
    for (const [checkpoint, error, message] of refusals) {
      await saveCheckpoint(dir, checkpoint);
      await expect(loadModel(dir)).rejects.toThrow(error);
      await expect(loadModel(dir)).rejects.toThrow(message);
      expect(memory().numTensors).toBe(before);
    }
    dispose(bigram);
  });

  it('says so where tokenizer.json is none', async () => {
    const { config, weights } = await exampleOf(64);
    await saveCheckpoint(dir, { config, weights });
    await writeFile(join(dir, 'tokenizer.json'), '{"model": {"type": "Elman"}}');
    await expect(loadModel(dir)).rejects.toMatchObject({
      name: 'CheckpointFileError',
      file: 'tokenizer.json',
    });
  });

  it.skipIf(reference === undefined)(`loads what transformers saved ${NEEDS_REFERENCE_DATA}`, async () => {
    const folder = join(reference as string, 'golden/models/gpt2');
    const { model } = await loadModel(folder);
    const golden = readReferenceTensors(join(folder, 'golden.safetensors'));
    const ids = golden.get('input_ids');
    const expected = golden.get('logits');
    if (ids === undefined || expected === undefined) throw new Error('The golden values are incomplete.');
    const logits = model.call(tensor2d(ids.data, ids.shape as [number, number], 'int32'));
    await expectClose(logits, expected, { absolute: 4e-6 });
    logits.dispose();
    dispose(model);
  });
}, ['cpu', 'wasm']);
