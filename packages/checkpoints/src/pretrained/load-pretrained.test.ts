import '@tensorflow/tfjs-backend-cpu';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  dispose,
  type HostTensor,
  type LanguageModel,
  parameters,
  Rng,
  type StateDict,
  StateDictError,
  stateDict,
  toHost,
} from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { describeOnBackends, startBackend } from '@minigpt/testing';
import type { TokenizerJson } from '@minigpt/tokenizers';
import { adamW, constant, train } from '@minigpt/training';
import { memory, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenizerMismatchError } from '../errors.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { loraAdapter } from '../lora/adapter.ts';
import { mergeLora } from '../lora/merge.ts';
import { loadPretrained as loadPath } from '../node/load-pretrained.ts';
import { saveHuggingFace } from '../node/save-hugging-face.ts';
import { readSafetensors } from '../safetensors/read.ts';
import { hostTensors } from '../source/lazy-state-dict.ts';
import { MemoryLimitError, WeightValueError } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedPath } from '../testing/shared.ts';
import { WeightDtypeError } from './build-model.ts';
import { type LoadPretrainedOptions, loadPretrained } from './load-pretrained.ts';

const CONFIG = {
  model_type: 'llama',
  vocab_size: 5,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 16,
  eos_token_id: 2,
};
const VOCABULARY = { a: 0, b: 1, c: 2, d: 3, e: 4 };
const TOKENIZER: TokenizerJson = { model: { type: 'WordLevel', vocab: VOCABULARY } };
const IDS = [0, 3, 1, 4];

let weights: StateDict;
let expected: Float32Array;
let pretrained: Pretrained;
let home: string;
let folder: string;

const logits = (model: LanguageModel, ids = IDS) =>
  tidy(() => model.call(tensor2d(ids, [1, ids.length], 'int32'))).dataSync<'float32'>();

beforeAll(async () => {
  await startBackend('cpu');
  const model = modelFromConfig(CONFIG, { rng: new Rng(7) });
  weights = await stateDict(model);
  expected = logits(model);
  dispose(model);
  pretrained = {
    config: CONFIG,
    weights: hostTensors(weights),
    generationConfig: { eos_token_id: [2, 4] },
    tokenizer: TOKENIZER,
    tokenizerConfig: { bos_token: { content: 'a' } },
    chatTemplate: '{{ bos_token }}{{ messages[0].content }}',
  };
  home = await mkdtemp(join(tmpdir(), 'minigpt-pretrained-'));
  folder = join(home, 'model');
  await saveHuggingFace(folder, pretrained, { maxShardBytes: 500 });
});
afterAll(() => rm(home, { recursive: true }));

function expectNear(actual: ArrayLike<number>, wanted: ArrayLike<number>, bound: number): void {
  expect(actual.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) expect(Math.abs(actual[i] - wanted[i])).toBeLessThan(bound);
}

describeOnBackends('loadPretrained', () => {
  it('gives model, tokenizer, template and end ids of a folder', async () => {
    const loaded = await loadPath(folder);
    expectNear(logits(loaded.model), expected, 1e-6);
    expect(loaded.tokenizer?.encode('a')).toEqual([0]);
    expect(loaded.chatTemplate?.render([{ role: 'user', content: 'b' }])).toBe('ab');
    expect(loaded.endIds).toEqual([2, 4]);
    expect(loaded.config).toMatchObject({ vocab_size: 5 });
    dispose(loaded.model);
  });

  it('leaves nothing but the parameters, which can be trained', async () => {
    const before = memory().numTensors;
    const { model } = await loadPretrained(pretrained);
    const all = parameters(model);
    expect(memory().numTensors).toBe(before + all.size);
    const optimizer = adamW({ parameters: all });
    const shape = [1, 4] as const;
    const batch = () => ({ inputs: Int32Array.of(0, 3, 1, 4), targets: Int32Array.of(3, 1, 4, 2), shape });
    const losses: number[] = [];
    for await (const event of train({ model, batch, optimizer, schedule: constant(0.05), maxIters: 8 })) {
      if (event.type === 'step') losses.push(event.loss);
    }
    expect(losses[7]).toBeLessThan(losses[0] / 2);
    dispose(model);
  });

  it.skipIf(!hasShared).each(['gpt2', 'llama-tied', 'mixtral', 'gpt_neox'])(
    `equals transformers on golden/models/%s ${NEEDS_SHARED}`,
    async (name) => {
      const { model } = await loadPath(sharedPath(`golden/models/${name}`));
      const golden = readSafetensors(sharedFile(`golden/models/${name}/golden.safetensors`)).tensors;
      const { shape, data } = golden.get('input_ids')!;
      const actual = tidy(() => model.call(tensor2d(data, shape as [number, number], 'int32') as Tensor2D));
      expectNear((await toHost(actual)).data, golden.get('logits')!.data, 5e-6); // 4.1e-6; the bound of all golden logits
      actual.dispose();
      dispose(model);
    },
  );
});

describe('what is loaded', () => {
  it('one tensor after another, in the order of the file, and says so', async () => {
    let reading = 0;
    const order: string[] = [];
    const steps: number[] = [];
    const { model } = await loadPretrained(
      {
        ...pretrained,
        weights: {
          ...pretrained.weights,
          async read(name) {
            expect(reading++).toBe(0);
            order.push(name);
            const tensor = await pretrained.weights.read(name);
            reading--;
            return tensor;
          },
        },
      },
      { onProgress: ({ loadedBytes, totalBytes }) => steps.push(loadedBytes / totalBytes) },
    );
    expect(order).toEqual([...weights.keys()]);
    expect(steps).toHaveLength(order.length);
    expect(steps.at(-1)).toBe(1);
    dispose(model);
  });

  it('an adapter is merged on the way', async () => {
    const name = 'model.layers.1.self_attn.v_proj';
    const matrix = (...shape: number[]): HostTensor => ({
      dtype: 'float32',
      shape,
      data: Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i)),
    });
    const adapter = loraAdapter(
      { peft_type: 'LORA', r: 2, lora_alpha: 3 },
      new Map([
        [`base_model.model.${name}.lora_A.weight`, matrix(2, 8)],
        [`base_model.model.${name}.lora_B.weight`, matrix(8, 2)],
      ]),
    );
    const { model } = await loadPretrained(pretrained, { adapter });
    expect(await stateDict(model)).toEqual(
      new Map([...parameters(model).keys()].map((key) => [key, mergeLora(weights, adapter).get(key)])),
    );
    dispose(model);
  });

  it('a template that does not parse does not matter until it is asked for', async () => {
    const loaded = await loadPretrained({ ...pretrained, chatTemplate: '{% if %}' });
    expect(() => loaded.chatTemplate).toThrow();
    dispose(loaded.model);
  });

  it('tokens that were added beyond the embedding are taken, a larger vocabulary is not', async () => {
    const added = { ...TOKENIZER, added_tokens: [{ id: 5, content: '<pad>', special: true }] };
    const loaded = await loadPretrained({ ...pretrained, tokenizer: added });
    expect(loaded.tokenizer?.vocabSize).toBe(6);
    dispose(loaded.model);
    const larger = { model: { type: 'WordLevel' as const, vocab: { ...VOCABULARY, f: 5 } } };
    await refused({ ...pretrained, tokenizer: larger }, TokenizerMismatchError);
  });
});

/** Nothing of what is refused stays loaded. */
async function refused(
  source: Pretrained,
  error: new (...args: never[]) => Error,
  options?: LoadPretrainedOptions,
): Promise<Error> {
  const before = memory().numTensors;
  const thrown = await loadPretrained(source, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(error);
  expect(memory().numTensors).toBe(before);
  return thrown as Error;
}

describe('what is refused', () => {
  const changed = (change: (tensors: Map<string, HostTensor>) => void): Pretrained => {
    const tensors = new Map(weights);
    change(tensors);
    return { ...pretrained, weights: hostTensors(tensors) };
  };
  const zeros = (...shape: number[]): HostTensor => ({
    dtype: 'float32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });

  it('every name that is missing, unexpected or misshapen, at once', async () => {
    const source = changed((tensors) => {
      tensors.delete('model.norm.weight');
      tensors.delete('lm_head.weight');
      tensors.set('model.extra', zeros(1));
      tensors.set('model.layers.0.mlp.up_proj.weight', zeros(8, 12));
    });
    expect(await refused(source, StateDictError)).toMatchObject({
      missing: ['model.norm.weight', 'lm_head.weight'],
      unexpected: ['model.extra'],
      mismatched: [{ name: 'model.layers.0.mlp.up_proj.weight', expected: [12, 8], actual: [8, 12] }],
    });
  });

  it('integers', async () => {
    const ints: HostTensor = { dtype: 'int32', shape: [8], data: new Int32Array(8) };
    const source = changed((tensors) => tensors.set('model.norm.weight', ints));
    expect(await refused(source, WeightDtypeError)).toMatchObject({ tensors: ['model.norm.weight'] });
  });

  it('NaN, by tensor and element', async () => {
    const name = 'model.layers.1.mlp.down_proj.weight';
    const source = changed((tensors) => {
      const tensor = zeros(8, 12);
      tensor.data[17] = Number.NaN;
      tensors.set(name, tensor);
    });
    expect(await refused(source, WeightValueError)).toMatchObject({ tensor: name, element: 17 });
  });

  it('what does not fit into memory, before a tensor is read', async () => {
    const weightsNotRead = { ...pretrained.weights, read: () => Promise.reject(new Error('read')) };
    const source = { ...pretrained, weights: weightsNotRead };
    expect(await refused(source, MemoryLimitError, { maxBytes: 1000 })).toMatchObject({ limitBytes: 1000 });
  });

  it('what is aborted halfway', async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new RangeError('enough'));
    await refused(pretrained, RangeError, { signal: controller.signal, onProgress });
  });

  it('a path where nothing is', async () => {
    await expect(loadPath(join(home, 'nothing'))).rejects.toThrow('nothing is at');
    await writeFile(join(home, 'weights.bin'), 'PK\u0003\u0004abc');
    await expect(loadPath(join(home, 'weights.bin'))).rejects.toThrow('a Python pickle is a program');
  });
});
