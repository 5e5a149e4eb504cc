import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTensors } from '@minigpt/checkpoints';
import { saveHuggingFace } from '@minigpt/checkpoints/node';
import { dispose, Rng, stateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { startBackend } from '@minigpt/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMinigpt } from './testing/run-minigpt.ts';

const home = mkdtempSync(join(tmpdir(), 'minigpt-models-'));
const at = (name: string) => join(home, name);

const CONFIG = {
  model_type: 'llama',
  vocab_size: 5,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-5,
};

/** https://huggingface.co/mistralai/Mistral-7B-v0.1: its sizes. */
const MISTRAL = {
  model_type: 'mistral',
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 32768,
  torch_dtype: 'bfloat16',
};

const minigpt = (...args: string[]) =>
  runMinigpt(args, { cwd: home, env: { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: at('hf') } });

beforeAll(async () => {
  await startBackend('cpu');
  const model = modelFromConfig(CONFIG, { rng: new Rng(1) });
  await saveHuggingFace(at('model'), {
    config: CONFIG,
    weights: hostTensors(await stateDict(model)),
    tokenizer: { model: { type: 'WordLevel', vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 } } },
  });
  dispose(model);
  writeFileSync(at('mistral.json'), JSON.stringify(MISTRAL));
});
afterAll(() => rmSync(home, { recursive: true }));

describe('minigpt inspect', { timeout: 120_000 }, () => {
  it('looks at a 7B model by its config alone', async () => {
    const { stdout } = await minigpt(
      'inspect',
      '--model',
      at('mistral.json'),
      '--dtype',
      'float16',
      '--json',
    );
    const { parameters, mib, table, tree } = JSON.parse(stdout);
    expect(parameters).toBe(7_241_732_096);
    expect(Math.ceil(mib)).toBe(13_813);
    expect(table).toHaveLength(291);
    expect(table[1]).toEqual({
      name: 'model.layers.0.input_layernorm.weight',
      shape: [4096],
      dtype: 'float16',
      count: 4096,
      mib: 4096 / 2 ** 19,
      trainable: true,
    });
    const decoder = tree.children.find(({ name }: { name: string }) => name === 'model');
    expect(decoder.children).toContainEqual(
      expect.objectContaining({
        name: 'layers',
        kind: 'PreNormBlock',
        repeat: 32,
        parameters: 32 * 218_112_000,
      }),
    );
  });

  it('shows config, layers and the dtypes that weights are stored in', async () => {
    await minigpt('convert', '--from', at('model'), '--to', at('half'), '--dtype', 'float16');
    const { stdout } = await minigpt('inspect', '--model', at('half'));
    expect(stdout).toMatch(/model_type +llama\n/);
    expect(stdout).toMatch(/layers: 2 × PreNormBlock/);
    expect(stdout).toMatch(/model\.norm\.weight +\[8\] +float16 +8 +0\.000/);
  });
});

describe('minigpt convert', { timeout: 120_000 }, () => {
  it('writes both formats, which sample the same text, and replaces nothing', async () => {
    const written = await minigpt(
      'convert',
      '--from',
      at('model'),
      '--to',
      at('c'),
      '--format',
      'llama2c',
      '--json',
    );
    expect(written.code).toBe(0);
    expect(JSON.parse(written.stdout).files).toEqual(['model.bin']);
    const sample = async (...model: string[]) => {
      const flags = [
        '--prompt',
        'a',
        '--temperature',
        '0',
        '--max-new-tokens',
        '5',
        '--backend',
        'cpu',
        '--json',
      ];
      return JSON.parse((await minigpt('sample', '--model', ...model, ...flags)).stdout).ids;
    };
    const [folder, file] = await Promise.all([
      sample(at('model')),
      sample(at('c/model.bin'), '--tokenizer', at('model/tokenizer.json')),
    ]);
    expect(file.length).toBeGreaterThan(0);
    expect(folder.slice(0, file.length)).toEqual(file); // llama2.c ends a text at <s> too
    const again = await minigpt('convert', '--from', at('model'), '--to', at('c'));
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^minigpt: Only an empty folder/);
    expect(readdirSync(at('c'))).toEqual(['model.bin']);
  });
});

describe('a model that cannot be had', { timeout: 120_000 }, () => {
  it.each([
    [
      'on the hub, offline',
      'org/name',
      /^minigpt: Offline, a model must have been downloaded before, but org\/name@main/,
    ],
    ['a path where nothing is', './org/name', /^minigpt: A checkpoint is a folder, but nothing is at/],
  ])('%s', async (_, name, message) => {
    const { code, stderr, stdout } = await minigpt(
      'logits',
      '--model',
      name,
      '--ids',
      '1',
      '--out',
      at('x'),
      '--backend',
      'cpu',
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
