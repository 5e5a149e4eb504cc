import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostTensor, StateDict } from '@minigpt/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadLora } from '../node/load-lora.ts';
import { saveLora } from '../node/save-lora.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedPath } from '../testing/shared.ts';
import { loraAdapter } from './adapter.ts';
import { LoraError, type LoraRule } from './errors.ts';
import { mergeLora } from './merge.ts';

const floats = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

const CONFIG = { peft_type: 'LORA', r: 1, lora_alpha: 2, target_modules: ['up'], fan_in_fan_out: false };
const A = floats([1, 3], 1, 10, 100);
const B = floats([2, 1], 1, 2);
const PAIR = new Map([
  ['base_model.model.h.0.up.lora_A.weight', A],
  ['base_model.model.h.0.up.lora_B.weight', B],
]);
const base = (shape: number[]): StateDict =>
  new Map([
    ['h.0.up.weight', floats(shape, ...Array.from({ length: shape[0] * shape[1] }, () => 0.5))],
    ['h.0.up.bias', floats([2], 7, 7)],
  ]);
const merged = (state: StateDict, name = 'h.0.up.weight') => [...state.get(name)!.data];

describe('mergeLora', () => {
  it('adds scale·B·A to [out, in]', () => {
    const state = mergeLora(base([2, 3]), loraAdapter(CONFIG, PAIR));
    expect(merged(state)).toEqual([2.5, 20.5, 200.5, 4.5, 40.5, 400.5]);
  });

  it('adds the transpose to [in, out], and leaves the base alone', () => {
    const before = base([3, 2]);
    const state = mergeLora(before, loraAdapter({ ...CONFIG, fan_in_fan_out: true }, PAIR));
    expect(merged(state)).toEqual([2.5, 4.5, 20.5, 40.5, 200.5, 400.5]);
    expect(merged(before)).toEqual(Array(6).fill(0.5));
    expect(state.get('h.0.up.bias')).toBe(before.get('h.0.up.bias'));
  });

  it.each([
    [false, [2, 20, 4, 40]],
    [true, [2, 4, 20, 40]],
  ])('a square weight with fan_in_fan_out %s', (fanInFanOut, expected) => {
    const pair = new Map(PAIR).set('base_model.model.h.0.up.lora_A.weight', floats([1, 2], 1, 10));
    const zero = new Map([['h.0.up.weight', floats([2, 2], 0, 0, 0, 0)]]);
    const state = mergeLora(zero, loraAdapter({ ...CONFIG, fan_in_fan_out: fanInFanOut }, pair));
    expect(merged(state)).toEqual(expected);
  });

  it('adds the transpose to an embedding', () => {
    const pair = new Map([
      ['base_model.model.embed.lora_embedding_A', A],
      ['base_model.model.embed.lora_embedding_B', B],
    ]);
    const zero = new Map([['embed.weight', floats([3, 2], 0, 0, 0, 0, 0, 0)]]);
    expect(merged(mergeLora(zero, loraAdapter(CONFIG, pair)), 'embed.weight')).toEqual([
      2, 4, 20, 40, 200, 400,
    ]);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['rank-stabilised', { r: 1, lora_alpha: 3, use_rslora: true }, 3],
    ['alpha by the name of the layer', { alpha_pattern: { down: 9, up: 8 } }, 8],
    ['alpha by a pattern', { alpha_pattern: { 'h\\.\\d+\\.up': 6 } }, 6],
    ['rank by the name of the layer', { r: 64, rank_pattern: { 'h.0.up': 1 } }, 2],
  ])('scale: %s', (_, settings, scale) => {
    const state = mergeLora(base([2, 3]), loraAdapter({ ...CONFIG, ...settings }, PAIR));
    expect(merged(state)[0]).toBe(0.5 + scale);
  });

  it('puts what was trained whole in the place of the base', () => {
    const bias = floats([2], 1, 2);
    const adapter = loraAdapter(CONFIG, new Map(PAIR).set('base_model.model.h.0.up.bias', bias));
    expect(mergeLora(base([2, 3]), adapter).get('h.0.up.bias')).toBe(bias);
  });

  it('refuses weights that are missing, all at once, or of another shape', () => {
    const adapter = loraAdapter(CONFIG, new Map(PAIR).set('base_model.model.head.weight', A));
    expect(() => mergeLora(new Map(), adapter)).toThrow(/h\.0\.up\.weight, head\.weight/);
    expect(() => mergeLora(base([2, 4]), loraAdapter(CONFIG, PAIR))).toThrow(
      `"h.0.up.weight": the adapter is for a weight of shape [2,3], but the model's is [2,4].`,
    );
  });
});

describe('an adapter that breaks a rule is refused', () => {
  const prefix = 'base_model.model.h.0.up';
  const without = (name: string) => new Map([...PAIR].filter(([key]) => key !== name));
  const ints: HostTensor = { dtype: 'int32', shape: [1, 3], data: Int32Array.of(1, 2, 3) };
  it.each<[string, Record<string, unknown>, StateDict, LoraRule, string?]>([
    ['another method', { peft_type: 'IA3' }, PAIR, 'config'],
    ['DoRA', { use_dora: true }, PAIR, 'config'],
    ['biases of LoRA layers', { lora_bias: true }, PAIR, 'config'],
    ['no rank', { r: 0 }, PAIR, 'config', 'h.0.up'],
    ['no alpha', { lora_alpha: null }, PAIR, 'config', 'h.0.up'],
    ['a pattern that is none', { rank_pattern: { '(': 1 } }, PAIR, 'config'],
    ['A without B', {}, without(`${prefix}.lora_B.weight`), 'pair', 'h.0.up'],
    ['B without A', {}, without(`${prefix}.lora_A.weight`), 'pair', 'h.0.up'],
    ['another rank', { r: 2 }, PAIR, 'rank', 'h.0.up'],
    ['integers', {}, new Map(PAIR).set(`${prefix}.lora_A.weight`, ints), 'rank', 'h.0.up'],
    ['a name of another library', {}, new Map([['lora_unet_up', A]]), 'tensor name', 'lora_unet_up'],
    [
      'another kind',
      {},
      new Map([[`${prefix}.lora_magnitude_vector`, A]]),
      'tensor name',
      `${prefix}.lora_magnitude_vector`,
    ],
  ])('%s', (_, settings, tensors, rule, tensor) => {
    const refused = () => loraAdapter({ ...CONFIG, ...settings }, tensors);
    expect(refused).toThrow(LoraError);
    expect(refused).toThrow(expect.objectContaining({ rule, tensor }));
  });
});

describe('files', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'minigpt-lora-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('are read again as they were written', async () => {
    const tensors = new Map(PAIR)
      .set('base_model.model.embed.lora_embedding_A', A)
      .set('base_model.model.embed.lora_embedding_B', B)
      .set('base_model.model.head.weight', B);
    const adapter = loraAdapter(CONFIG, tensors);
    await saveLora(dir, adapter);
    expect((await readdir(dir)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(await loadLora(dir)).toEqual(adapter);
  });

  it('that are missing or broken are refused by name', async () => {
    await expect(loadLora(dir)).rejects.toThrow('lacks adapter_config.json');
    await writeFile(join(dir, 'adapter_config.json'), '[]');
    await expect(loadLora(dir)).rejects.toThrow('lacks adapter_model.safetensors');
    await writeFile(join(dir, 'adapter_model.safetensors'), 'abc');
    await expect(loadLora(dir)).rejects.toThrow('adapter_config.json must hold a JSON object');
    await writeFile(join(dir, 'adapter_config.json'), '{');
    await expect(loadLora(dir)).rejects.toThrow('adapter_config.json must be JSON');
    await writeFile(join(dir, 'adapter_config.json'), JSON.stringify(CONFIG));
    await expect(loadLora(dir)).rejects.toThrow('adapter_model.safetensors cannot be used');
  });
});

describe.skipIf(!hasShared).each([
  ['gpt2-c_attn-r4', 'gpt2'],
  ['llama-qv-r4', 'llama'],
  ['llama-all-linear-r4', 'llama'],
])(`golden adapter %s ${NEEDS_SHARED}`, (name, model) => {
  const weights = () => readSafetensors(sharedFile(`golden/models/${model}/model.safetensors`)).tensors;
  const golden = () => readSafetensors(sharedFile(`golden/lora/${name}/golden.safetensors`)).tensors;

  it('merges to PEFT’s weights', async () => {
    const state = mergeLora(weights(), await loadLora(sharedPath(`golden/lora/${name}`)));
    let compared = 0;
    for (const [key, { data, shape }] of golden()) {
      if (!key.startsWith('merged.')) continue;
      const actual = state.get(key.slice('merged.'.length));
      expect(actual?.shape).toEqual(shape);
      for (const [i, value] of data.entries()) expect(Math.abs(actual!.data[i] - value)).toBeLessThan(1e-6);
      compared++;
    }
    expect(compared).toBeGreaterThan(1);
  });
});
