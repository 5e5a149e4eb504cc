import '@tensorflow/tfjs-backend-cpu';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dispose, type HostTensor, MinigptError, Rng, type StateDict, stateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { startBackend } from '@minigpt/testing';
import { TokenizerError } from '@minigpt/tokenizers';
import { memory } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { huggingFaceFiles } from '../hugging-face/files.ts';
import { llama2cChunks } from '../llama2c/write.ts';
import { loraAdapter } from '../lora/adapter.ts';
import { loraFiles, readLora } from '../lora/files.ts';
import { loadPretrained as loadPath } from '../node/load-pretrained.ts';
import type { Chunks } from '../node/replace-file.ts';
import { bytesSource } from '../source/bytes-source.ts';
import type { SourceFolder } from '../source/folder.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { loadPretrained } from './load-pretrained.ts';
import type { PretrainedSource } from './open-pretrained.ts';

const CONFIG = {
  model_type: 'llama',
  vocab_size: 5,
  hidden_size: 4,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  rope_scaling: { rope_type: 'linear', factor: 2 },
  eos_token_id: 2,
};
const { rope_scaling: _, ...LLAMA2C_CONFIG } = CONFIG;

let weights: StateDict;
let folder: Map<string, Uint8Array>;
let llama2c: Uint8Array;
let adapter: Map<string, Uint8Array>;

beforeAll(async () => {
  await startBackend('cpu');
  const model = modelFromConfig(CONFIG, { rng: new Rng(2) });
  weights = await stateDict(model);
  dispose(model);
  const files = huggingFaceFiles(
    {
      config: CONFIG,
      weights: hostTensors(weights),
      tokenizer: { model: { type: 'WordLevel', vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 } } },
      tokenizerConfig: { bos_token: 'a' },
      chatTemplate: '{{ bos_token }}',
    },
    { maxShardBytes: 300 },
  );
  folder = new Map();
  for (const [name, chunks] of files) folder.set(name, await joined(chunks));
  llama2c = await joined(llama2cChunks({ config: LLAMA2C_CONFIG, weights: hostTensors(weights) }));
  const matrix: HostTensor = { dtype: 'float32', shape: [4, 4], data: new Float32Array(16).fill(0.1) };
  const prefix = 'base_model.model.model.layers.0.self_attn.q_proj';
  const lora = loraAdapter(
    { peft_type: 'LORA', r: 4, lora_alpha: 8 },
    new Map([
      [`${prefix}.lora_A.weight`, matrix],
      [`${prefix}.lora_B.weight`, matrix],
    ]),
  );
  adapter = new Map();
  for (const [name, chunks] of loraFiles(lora)) adapter.set(name, await joined(chunks));
});

async function joined(chunks: Chunks): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

const folderOf = (files: ReadonlyMap<string, Uint8Array>): SourceFolder => ({
  name: 'the folder',
  async open(file) {
    const bytes = files.get(file);
    return bytes && bytesSource(bytes, file);
  },
});

/** It is loaded, or refused by an error of ours; nothing else happens, and nothing stays. */
async function loadedOrRefused(source: PretrainedSource, options = {}): Promise<void> {
  const before = memory().numTensors;
  try {
    const { model } = await loadPretrained(source, { maxBytes: 2 ** 20, ...options });
    dispose(model);
  } catch (error) {
    if (!(error instanceof MinigptError || error instanceof TokenizerError)) throw error;
  }
  expect(memory().numTensors).toBe(before);
}

/** A few bytes are others, or the end is missing. */
const damage = fc.record({
  edits: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 }),
  kept: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

function damaged(
  whole: Uint8Array,
  { edits, kept }: { edits: { at: number; byte: number }[]; kept: number },
) {
  const bytes = whole.slice(0, Math.ceil(kept * whole.length));
  if (bytes.length > 0) for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
  return bytes;
}

const RUNS = { numRuns: 300 };

describe('whatever is damaged, a model is loaded whole or refused', { timeout: 60_000 }, () => {
  it('bytes of any file of a folder', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), damage, async (which, how) => {
        const name = [...folder.keys()][which % folder.size];
        await loadedOrRefused(folderOf(new Map(folder).set(name, damaged(folder.get(name)!, how))));
      }),
      RUNS,
    ));

  it('a file of a folder that is missing', async () => {
    for (const name of folder.keys()) {
      const rest = new Map(folder);
      rest.delete(name);
      await loadedOrRefused(folderOf(rest));
    }
  });

  it('bytes of a llama2.c file', () =>
    fc.assert(
      fc.asyncProperty(damage, async (how) => loadedOrRefused(bytesSource(damaged(llama2c, how)))),
      RUNS,
    ));

  it('bytes of an adapter', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), damage, async (which, how) => {
        const name = [...adapter.keys()][which % adapter.size];
        const files = new Map(adapter).set(name, damaged(adapter.get(name)!, how));
        try {
          await loadedOrRefused(folderOf(folder), { adapter: await readLora(folderOf(files)) });
        } catch (error) {
          if (!(error instanceof MinigptError)) throw error;
        }
      }),
      RUNS,
    ));

  it('settings of a config', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(
        0,
        -1,
        1e6,
        1e9,
        2 ** 31,
        2 ** 53,
        null,
        true,
        '',
        'yarn',
        'gemma2',
        'gpt2',
        'mixtral',
        'phi3',
      ),
      fc.string(),
      fc.array(fc.integer()),
      fc.dictionary(
        fc.constantFrom('rope_type', 'factor', 'type', 'rope_theta'),
        fc.oneof(fc.integer(), fc.string()),
      ),
    );
    const key = fc.constantFrom(
      ...Object.keys(CONFIG),
      'num_key_value_heads',
      'head_dim',
      'hidden_act',
      'tie_word_embeddings',
      'sliding_window',
      'layer_types',
      'partial_rotary_factor',
      'rope_parameters',
      'num_local_experts',
    );
    return fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }), async (changes) => {
        const config = new TextEncoder().encode(
          JSON.stringify({ ...CONFIG, ...Object.fromEntries(changes) }),
        );
        await loadedOrRefused(folderOf(new Map(folder).set('config.json', config)));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a folder on disk', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'minigpt-bad-'));
  });
  afterAll(() => rm(home, { recursive: true }));

  async function write(dir: string, except?: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    for (const [name, bytes] of folder) if (name !== except) await writeFile(join(dir, name), bytes);
  }

  it('may link to files within, but not out of it', async () => {
    const shard = 'model-00001-of-00003.safetensors';
    await write(join(home, 'real'));
    await write(join(home, 'linked'), shard);
    await symlink(join(home, 'real', shard), join(home, 'linked', shard));
    await expect(loadPath(join(home, 'linked'))).rejects.toThrow(/link that leads out of the folder/);
    await write(join(home, 'inside'), shard);
    await writeFile(join(home, 'inside', 'other'), folder.get(shard)!);
    await symlink('other', join(home, 'inside', shard));
    dispose((await loadPath(join(home, 'inside'))).model);
    await symlink(join(home, 'real'), join(home, 'whole'));
    dispose((await loadPath(join(home, 'whole'))).model);
  });
});
