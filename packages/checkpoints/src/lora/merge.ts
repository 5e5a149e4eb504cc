import type { HostTensor, StateDict } from '@minigpt/core';
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
export function mergeLora(weights: StateDict, { config, layers, replaced }: LoraAdapter): StateDict {
  const missing = [...layers.keys()].map((layer) => `${layer}.weight`).concat([...replaced.keys()]);
  const absent = missing.filter((name) => !weights.has(name));
  if (absent.length > 0) {
    throw new LoraError(
      'base weight',
      `The adapter changes weights that the model lacks: ${absent.join(', ')}; merge it into the model that it was trained on.`,
    );
  }
  const merged = new Map(weights);
  for (const [name, tensor] of replaced) {
    checkShape(name, tensor.shape, weights.get(name)!.shape);
    merged.set(name, tensor);
  }
  for (const [layer, lora] of layers) {
    const name = `${layer}.weight`;
    merged.set(name, addDelta(name, merged.get(name)!, lora, config.fan_in_fan_out === true));
  }
  return merged;
}

function addDelta(name: string, weight: HostTensor, lora: LoraLayer, fanInFanOut: boolean): HostTensor {
  const outputs = lora.b.shape[0];
  const inputs = lora.a.shape[1];
  const [rows, columns] = weight.shape;
  const isSquare = outputs === inputs;
  const transposed = lora.isEmbedding || (isSquare ? fanInFanOut : rows === inputs && columns === outputs);
  checkShape(name, transposed ? [inputs, outputs] : [outputs, inputs], weight.shape);
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
