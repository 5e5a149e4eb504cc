import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispose, type HostTensor, Rng, type StateDict, StateDictError, stateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { startBackend } from '@minigpt/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ForeignFolderError } from '../errors.ts';
import { toBfloat16, toFloat16 } from '../safetensors/narrow.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { readStateDict, WeightValueError } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedPath } from '../testing/shared.ts';
import { convert } from './convert.ts';
import { openPath } from './open-path.ts';

const CONFIG = {
  model_type: 'llama',
  vocab_size: 5,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-5,
};

let weights: StateDict;
let home: string;
let to: string;
beforeAll(async () => {
  await startBackend('cpu');
  const model = modelFromConfig(CONFIG, { rng: new Rng(5) });
  weights = await stateDict(model);
  dispose(model);
});
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'minigpt-convert-'));
  to = join(home, 'to');
});
afterEach(() => rm(home, { recursive: true }));

const model = () => ({ config: CONFIG, weights: hostTensors(weights) });

async function readBack(dir: string): Promise<StateDict> {
  const opened = await openPath(dir);
  const state = await readStateDict(opened.weights);
  await opened.weights.close();
  return state;
}

describe('convert', () => {
  it.each([
    ['float16', toFloat16],
    ['bfloat16', toBfloat16],
  ] as const)('writes %s, rounded once, and says so in the config', async (dtype, narrow) => {
    await convert(model(), to, { format: 'safetensors', dtype, maxShardBytes: 300 });
    expect((await readdir(to)).filter((file) => file.endsWith('.safetensors')).length).toBeGreaterThan(1);
    expect(JSON.parse(await readFile(join(to, 'config.json'), 'utf8')).torch_dtype).toBe(dtype);
    const read = await readBack(to);
    for (const [name, { data }] of weights) {
      expect(narrow(read.get(name)!.data as Float32Array, name)).toEqual(narrow(data as Float32Array, name));
    }
  });

  it('to llama2.c and back changes no weight', async () => {
    const { files, withoutTokenizer } = await convert(model(), to, { format: 'llama2c' });
    expect(files).toEqual(['model.bin']);
    expect(withoutTokenizer).toMatch(/comes without one/);
    expect(await readBack(join(to, 'model.bin'))).toEqual(new Map([...weights].sort()));
  });

  it('writes nothing where a weight is NaN, missing or interrupted, and replaces nothing', async () => {
    const broken: HostTensor = { dtype: 'float32', shape: [8], data: new Float32Array(8).fill(Number.NaN) };
    const changed = (change: (tensors: Map<string, HostTensor>) => void) => {
      const tensors = new Map(weights);
      change(tensors);
      return { config: CONFIG, weights: hostTensors(tensors) };
    };
    const nan = changed((tensors) => tensors.set('model.norm.weight', broken));
    const missing = changed((tensors) => tensors.delete('model.norm.weight'));
    for (const format of ['safetensors', 'llama2c'] as const) {
      await expect(convert(nan, to, { format })).rejects.toThrow(WeightValueError);
      await expect(convert(missing, to, { format })).rejects.toThrow(StateDictError);
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error('stopped'));
      await expect(convert(model(), to, { format, signal: controller.signal, onProgress })).rejects.toThrow(
        'stopped',
      );
    }
    expect(await readdir(home)).toEqual([]);
    await convert(model(), to, { format: 'safetensors' });
    await expect(convert(model(), to, { format: 'llama2c' })).rejects.toThrow(ForeignFolderError);
  });

  it.skipIf(!hasShared)(`stories260K goes through safetensors and back ${NEEDS_SHARED}`, async () => {
    const opened = await openPath(sharedPath('weights/stories260K.bin'));
    await convert(opened, to, { format: 'safetensors' });
    await opened.weights.close();
    const folder = await openPath(to);
    const { files } = await convert(folder, join(home, 'c'), { format: 'llama2c' });
    await folder.weights.close();
    expect(files).toEqual(['model.bin', 'tokenizer.bin']);
    const [written, original] = [
      await readFile(join(home, 'c', 'model.bin')),
      sharedFile('weights/stories260K.bin'),
    ];
    expect(written.length).toBe(original.length);
    // The tables of cosines and sines at the end were rounded otherwise; run.c makes its own.
    const tables = 4 * 2 * 512 * 4;
    expect(written.subarray(0, -tables).equals(original.subarray(0, -tables))).toBe(true);
  });
});
