import type { HostTensor, StateDict } from '@minigpt/core';
import type { JsonObject } from '../json.ts';
import type { LazyStateDict } from '../source/lazy-state-dict.ts';
import type { LoraAdapter, LoraLayer } from './adapter.ts';
import { LoraError } from './errors.ts';

/**
 * Adds an adapter to the weights of its base model: W + scale·B·A, summed in float64 and rounded once. Layers that keep
 * `[in, out]` (GPT-2's Conv1D, PEFT's `fan_in_fan_out`) and embeddings get the transpose; a layer's shape says which it is, and
 * `fan_in_fan_out` where it is square.
 *
 * @param weights by the names of the checkpoint that the adapter was trained on; they are left as they are.
 * @returns new tensors where the adapter changes them, the same ones elsewhere
 * @throws LoraError naming the layer that the model lacks, or whose shape does not fit
 */
export function mergeLora(weights: StateDict, adapter: LoraAdapter): StateDict {
  checkBase(weights, adapter);
  return new Map([...weights].map(([name, weight]) => [name, mergedWeight(name, weight, adapter)]));
}

/**
 * As {@link mergeLora}, each tensor when it is read.
 *
 * @throws LoraError at once
 */
export function mergeLoraLazily(weights: LazyStateDict, adapter: LoraAdapter): LazyStateDict {
  checkBase(weights.tensors, adapter);
  return {
    tensors: weights.tensors,
    read: async (name) => mergedWeight(name, await weights.read(name), adapter),
    close: () => weights.close(),
  };
}

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

function checkBase(weights: Shapes, { config, layers, replaced }: LoraAdapter): void {
  const changed = [...layers.keys()].map((layer) => `${layer}.weight`).concat([...replaced.keys()]);
  const absent = changed.filter((name) => !weights.has(name));
  if (absent.length > 0) {
    throw new LoraError(
      'base weight',
      `The adapter changes weights that the model lacks: ${absent.join(', ')}; merge it into the model that it was trained on.`,
    );
  }
  for (const [name, { shape }] of replaced) checkShape(name, shape, weights.get(name)!.shape);
  for (const [layer, lora] of layers) {
    const { shape } = weights.get(`${layer}.weight`)!;
    const [outputs, inputs] = [lora.b.shape[0], lora.a.shape[1]];
    const fits = isTransposed(lora, shape, config) ? [inputs, outputs] : [outputs, inputs];
    checkShape(`${layer}.weight`, fits, shape);
  }
}

function mergedWeight(
  name: string,
  weight: HostTensor,
  { config, layers, replaced }: LoraAdapter,
): HostTensor {
  const base = replaced.get(name) ?? weight;
  const lora = name.endsWith('.weight') ? layers.get(name.slice(0, -'.weight'.length)) : undefined;
  return lora === undefined ? base : addDelta(base, lora, isTransposed(lora, weight.shape, config));
}

/** Whether the layer keeps the transpose of `[out, in]`. */
function isTransposed(
  { a, b, isEmbedding }: LoraLayer,
  [rows, columns]: readonly number[],
  config: JsonObject,
) {
  const [outputs, inputs] = [b.shape[0], a.shape[1]];
  if (isEmbedding) return true;
  return outputs === inputs ? config.fan_in_fan_out === true : rows === inputs && columns === outputs;
}

function addDelta(weight: HostTensor, lora: LoraLayer, transposed: boolean): HostTensor {
  const [rows, columns] = weight.shape;
  // The delta is [rows, r]·[r, columns]: B·A, or Aᵀ·Bᵀ.
  const left = transposed ? transpose(lora.a) : lora.b.data;
  const right = transposed ? transpose(lora.b) : lora.a.data;
  const rank = lora.a.shape[0];
  const data = new Float32Array(weight.data.length);
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) row[j] = weight.data[i * columns + j];
    for (let k = 0; k < rank; k++) {
      const factor = lora.scale * left[i * rank + k];
      for (let j = 0; j < columns; j++) row[j] += factor * right[k * columns + j];
    }
    data.set(row, i * columns);
  }
  return { dtype: 'float32', shape: weight.shape, data };
}

function transpose({ shape: [rows, columns], data }: HostTensor): Float32Array {
  const transposed = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) transposed[j * rows + i] = data[i * columns + j];
  return transposed;
}

function checkShape(name: string, expected: readonly number[], actual: readonly number[]): void {
  if (expected.join() === actual.join()) return;
  throw new LoraError(
    'shape',
    `the adapter is for a weight of shape [${expected}], but the model's is [${actual}].`,
    name,
  );
}
