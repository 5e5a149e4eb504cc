import '@tensorflow/tfjs-backend-cpu';
import { dispose, fromHost, type HostTensor, loadStateDict, type StateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { llamaFromGguf } from './gguf/llama.ts';
import { openGguf } from './gguf/open.ts';
import type { JsonObject } from './json.ts';
import { mergeLora } from './lora/merge.ts';
import { loadLora } from './node/load-lora.ts';
import { readSafetensors } from './safetensors/read.ts';
import { bytesSource } from './source/bytes-source.ts';
import { readStateDict } from './source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedJson, sharedPath } from './testing/shared.ts';

const tensors = (path: string) => readSafetensors(sharedFile(`golden/${path}.safetensors`)).tensors;

function logitsOf(config: JsonObject, weights: StateDict, ids: HostTensor): Float32Array {
  const model = modelFromConfig(config);
  try {
    loadStateDict(model, weights);
    return tidy(() => model.call(fromHost(ids) as Tensor2D).dataSync<'float32'>());
  } finally {
    dispose(model);
  }
}

function expectClose(actual: Float32Array, { data }: HostTensor, tolerance: number): void {
  expect(actual.length).toBe(data.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
  expect(worst).toBeLessThan(tolerance);
}

describe.skipIf(!hasShared)(`logits of PyTorch ${NEEDS_SHARED}`, () => {
  it.each(['f32', 'f16', 'bf16', 'q8_0'])('llama-%s.gguf', async (type) => {
    const golden = tensors(`gguf/llama-${type}`);
    const { config, weights } = await llamaFromGguf(
      await openGguf(bytesSource(sharedFile(`golden/gguf/llama-${type}.gguf`))),
    );
    const logits = logitsOf(config, await readStateDict(weights), golden.get('input_ids')!);
    expectClose(logits, golden.get('logits')!, 2e-5);
  });

  it.each([
    ['gpt2-c_attn-r4', 'gpt2'],
    ['llama-qv-r4', 'llama'],
    ['llama-all-linear-r4', 'llama'],
  ])('adapter %s, merged', async (name, model) => {
    const golden = tensors(`lora/${name}/golden`);
    const config = sharedJson<JsonObject>(`golden/models/${model}/config.json`);
    const merged = mergeLora(
      tensors(`models/${model}/model`),
      await loadLora(sharedPath(`golden/lora/${name}`)),
    );
    expectClose(logitsOf(config, merged, golden.get('input_ids')!), golden.get('logits_merged')!, 2e-5);
  });
});
