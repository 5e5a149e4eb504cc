import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostTensor, StateDictError } from '@minigpt/core';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CheckpointError, CheckpointWriteError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { saveLlama2c } from '../node/save-llama2c.ts';
import { bytesSource } from '../source/bytes-source.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { readStateDict } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile } from '../testing/shared.ts';
import { Llama2cError, type Llama2cRule } from './errors.ts';
import { openLlama2c } from './open.ts';
import { llama2cChunks } from './write.ts';

const CONFIG = {
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 5,
  max_position_embeddings: 3,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
};

let filled = 0;
function tensor(...shape: number[]): HostTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: count }, () => Math.sin(filled++)) };
}

function weights({ tied = true } = {}): Map<string, HostTensor> {
  const state = new Map([['model.embed_tokens.weight', tensor(5, 8)]]);
  for (const layer of [0, 1]) {
    const add = (name: string, ...shape: number[]) =>
      state.set(`model.layers.${layer}.${name}.weight`, tensor(...shape));
    add('input_layernorm', 8);
    add('self_attn.q_proj', 8, 8);
    add('self_attn.k_proj', 4, 8);
    add('self_attn.v_proj', 4, 8);
    add('self_attn.o_proj', 8, 8);
    add('post_attention_layernorm', 8);
    add('mlp.gate_proj', 12, 8);
    add('mlp.up_proj', 12, 8);
    add('mlp.down_proj', 8, 12);
  }
  state.set('model.norm.weight', tensor(8));
  if (!tied) state.set('lm_head.weight', tensor(5, 8));
  return state;
}

async function written(
  config: JsonObject,
  state: ReadonlyMap<string, HostTensor>,
  version: 0 | 1 = 0,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of llama2cChunks({ config, weights: hostTensors(state) }, { version }))
    chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

describe('llama2c', () => {
  it.each([
    [0, true],
    [0, false],
    [1, true],
    [1, false],
  ] as const)('version %i, tied %s: what is written is read again', async (version, tied) => {
    const state = weights({ tied });
    const bytes = await written({ ...CONFIG, tie_word_embeddings: tied }, state, version);
    const model = await openLlama2c(bytesSource(bytes));
    expect(model.config).toMatchObject({ ...CONFIG, tie_word_embeddings: tied, head_dim: 4 });
    const read = await readStateDict(model.weights);
    expect(new Map([...read].sort())).toEqual(new Map([...state].sort()));
    expect(Buffer.compare(await written(model.config, read, version), bytes)).toBe(0);
  });

  it('version 0 lies as run.c reads it: queries by pairs, cosines and sines before the end', async () => {
    const state = weights();
    const bytes = await written(CONFIG, state);
    const view = new DataView(bytes.buffer);
    expect(Array.from({ length: 7 }, (_, i) => view.getInt32(4 * i, true))).toEqual([8, 12, 2, 2, 1, 5, 3]);
    const floats = new Float32Array(bytes.buffer, 28);
    expect([...floats.subarray(0, 40)]).toEqual([...state.get('model.embed_tokens.weight')!.data]);
    const query = state.get('model.layers.0.self_attn.q_proj.weight')!.data;
    const row = (i: number) => [...query.subarray(8 * i, 8 * i + 8)];
    const queriesAt = 40 + 2 * 8;
    const rows = Array.from({ length: 8 }, (_, i) => [
      ...floats.subarray(queriesAt + 8 * i, queriesAt + 8 * i + 8),
    ]);
    expect(rows).toEqual([0, 2, 1, 3, 4, 6, 5, 7].map(row));
    const table = floats.subarray(floats.length - 12);
    const angles = [0, 0, 1, 0.01, 2, 0.02];
    expect([...table]).toEqual([...angles.map(Math.cos), ...angles.map(Math.sin)].map(Math.fround));
  });

  it('version 2: int8 groups are widened by their scales', async () => {
    const config = { ...CONFIG, num_hidden_layers: 1, num_key_value_heads: 2, vocab_size: 3 };
    const floats = (count: number) => Float32Array.from({ length: count }, (_, i) => i / 4);
    const parts: Uint8Array[] = [
      new Uint8Array(256),
      ...[8, 8, 8].map((n) => new Uint8Array(floats(n).buffer)),
    ];
    const header = new DataView(parts[0].buffer);
    for (const [i, value] of [0x616b3432, 2, 8, 12, 1, 2, 2, 3, 3].entries())
      header.setInt32(4 * i, value, true);
    header.setUint8(36, 1);
    header.setInt32(37, 4, true); // values in a group
    for (const elements of [3 * 8, 64, 64, 64, 64, 96, 96, 96]) {
      parts.push(Uint8Array.from({ length: elements }, (_, i) => i - 128));
      parts.push(new Uint8Array(Float32Array.from({ length: elements / 4 }, (_, i) => 2 ** (i % 3)).buffer));
    }
    const model = await openLlama2c(bytesSource(Uint8Array.from(Buffer.concat(parts))));
    expect(model.config).toMatchObject(config);
    expect(model.weights.tensors.get('model.embed_tokens.weight')).toMatchObject({
      storedAs: 'Q8',
      storedBytes: 48,
    });
    const embedding = (await model.weights.read('model.embed_tokens.weight')).data;
    expect([...embedding]).toEqual(
      Array.from({ length: 24 }, (_, i) => (i - 128) * 2 ** (Math.floor(i / 4) % 3)),
    );
    expect((await model.weights.read('model.norm.weight')).data).toEqual(floats(8));
    await expect(model.weights.read('lm_head.weight')).rejects.toThrow('has none "lm_head.weight"');
  });

  it.skipIf(!hasShared)(`reads stories260K and writes it again to the byte ${NEEDS_SHARED}`, async () => {
    const original = sharedFile('weights/stories260K.bin');
    const model = await openLlama2c(bytesSource(original));
    expect(model.config).toMatchObject({
      hidden_size: 64,
      intermediate_size: 172,
      num_hidden_layers: 5,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      vocab_size: 512,
      max_position_embeddings: 512,
      tie_word_embeddings: true,
    });
    const state = await readStateDict(model.weights);
    const again = await written(model.config, state);
    const tableBytes = 2 * 512 * 4 * 4;
    const weightsEnd = original.length - tableBytes;
    expect(Buffer.compare(again.subarray(0, weightsEnd), original.subarray(0, weightsEnd))).toBe(0);
    // PyTorch computed the table's angles in float32, so the last ones are off by up to 512 ulp of theirs.
    const table = (bytes: Uint8Array) => new Float32Array(bytes.slice(weightsEnd).buffer);
    const theirs = table(original);
    for (const [i, value] of table(again).entries()) expect(Math.abs(value - theirs[i])).toBeLessThan(4e-5);
  });
});

describe('a file that breaks a rule is refused', () => {
  const whole = () => written(CONFIG, weights(), 1);
  const open = (bytes: Uint8Array) => openLlama2c(bytesSource(bytes));
  const edited = async (at: number, value: number) => {
    const bytes = await whole();
    new DataView(bytes.buffer).setInt32(at, value, true);
    return bytes;
  };

  it.each<[string, () => Promise<Uint8Array>, Llama2cRule]>([
    ['empty', async () => new Uint8Array(0), 'header'],
    ['only a mark', async () => (await whole()).subarray(0, 100), 'header'],
    ['version 3', () => edited(4, 3), 'version'],
    ['no width', () => edited(8, 0), 'sizes'],
    ['negative layers', () => edited(16, -1), 'sizes'],
    ['heads that do not divide the width', () => edited(20, 3), 'sizes'],
    ['two billion layers', () => edited(16, 2 ** 31 - 1), 'length'],
    ['a gigantic width', () => edited(8, 2 ** 30), 'length'],
    ['truncated', async () => (await whole()).subarray(0, 1000), 'length'],
    ['another format', async () => new TextEncoder().encode('GGUF'.repeat(100)), 'sizes'],
    ['groups that do not divide a row', () => edited(4, 2), 'group size'],
  ])('%s', async (_, bytes, rule) => {
    await expect(open(await bytes())).rejects.toMatchObject({ constructor: Llama2cError, rule });
  });

  it('whatever bytes of the header change', async () => {
    const bytes = await whole();
    const edit = fc.record({ at: fc.nat(41), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const changed = Uint8Array.from(bytes);
        for (const { at, byte } of edits) changed[at] = byte;
        try {
          await readStateDict((await open(changed)).weights);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a model that llama2.c cannot hold is not written', () => {
  it.each([
    ['model_type', { model_type: 'gpt2' }],
    ['rms_norm_eps', { rms_norm_eps: 1e-6 }],
    ['rope_theta', { rope_theta: 500_000 }],
    ['rope_theta', { rope_theta: undefined, rope_parameters: { rope_type: 'default', rope_theta: 1e6 } }],
    ['rope_scaling', { rope_scaling: { type: 'linear', factor: 2 } }],
    ['head_dim', { head_dim: 16 }],
    ['attention_bias', { attention_bias: true }],
    ['hidden_size', { hidden_size: '8' }],
  ])('%s of %o', async (key, change) => {
    const writing = written({ ...CONFIG, ...change }, weights());
    await expect(writing).rejects.toMatchObject({ constructor: Llama2cError, rule: 'config' });
    await expect(writing).rejects.toThrow(key);
  });

  it('tensors that are missing or too many', async () => {
    const untied = { ...CONFIG, tie_word_embeddings: false };
    await expect(written(untied, weights())).rejects.toThrow(StateDictError);
    await expect(written(CONFIG, weights({ tied: false }))).rejects.toThrow('unexpected: lm_head.weight');
  });
});

describe('saveLlama2c', () => {
  let dir: string | undefined;
  afterEach(async () => {
    if (dir !== undefined) await rm(dir, { recursive: true });
    dir = undefined;
  });

  it('replaces a file whole, and leaves it alone where the model is refused', async () => {
    dir = await mkdtemp(join(tmpdir(), 'minigpt-llama2c-'));
    const path = join(dir, 'new', 'model.bin');
    const state = weights();
    await saveLlama2c(path, { config: CONFIG, weights: hostTensors(state) });
    const expected = await written(CONFIG, state);
    expect(Buffer.compare(await readFile(path), expected)).toBe(0);
    const broken = hostTensors(state);
    const failing = { ...broken, read: () => Promise.reject(new Error('the disk was pulled out')) };
    await expect(saveLlama2c(path, { config: CONFIG, weights: failing })).rejects.toThrow('pulled out');
    expect(Buffer.compare(await readFile(path), expected)).toBe(0);
    expect(await readdir(join(dir, 'new'))).toEqual(['model.bin']);
    const below = join(path, 'model.bin');
    await expect(saveLlama2c(below, { config: CONFIG, weights: broken })).rejects.toThrow(
      CheckpointWriteError,
    );
  });
});
