import { dispose, fromHost, type LanguageModel, parameters, Rng, type Transformer } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { randomNormal } from '@minigpt/testing';
import { add, memory, mul, tidy } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

const small = {
  vocab_size: 11,
  hidden_size: 12,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 16,
  initializer_range: 0.3,
};
const gpt = { vocab_size: 11, n_positions: 16, n_layer: 2, n_head: 3, n_embd: 12, initializer_range: 0.3 };

/** A small model of every family, in every way in which their residual streams differ. */
const configs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  gpt2: { model_type: 'gpt2', ...gpt },
  'gpt without biases, untied': { model_type: 'gpt', ...gpt, bias: false, tie_word_embeddings: false },
  gpt_neox: { model_type: 'gpt_neox', ...small, rotary_pct: 0.5 },
  'gpt_neox, sequential': { model_type: 'gpt_neox', ...small, rotary_pct: 0.5, use_parallel_residual: false },
  llama: { model_type: 'llama', ...small, num_key_value_heads: 1, attention_bias: true, mlp_bias: true },
  mistral: { model_type: 'mistral', ...small, num_key_value_heads: 1, sliding_window: 3 },
  qwen2: { model_type: 'qwen2', ...small, num_key_value_heads: 3, tie_word_embeddings: true },
  qwen3: { model_type: 'qwen3', ...small, num_key_value_heads: 1, head_dim: 6 },
  starcoder2: { model_type: 'starcoder2', ...small, num_key_value_heads: 1, sliding_window: 4 },
  phi: { model_type: 'phi', ...small, partial_rotary_factor: 0.5 },
  phi3: { model_type: 'phi3', ...small, num_key_value_heads: 1 },
  gemma: { model_type: 'gemma', ...small, num_key_value_heads: 1, head_dim: 6 },
  gemma2: {
    model_type: 'gemma2',
    ...small,
    num_key_value_heads: 1,
    head_dim: 6,
    sliding_window: 3,
    query_pre_attn_scalar: 6,
    attn_logit_softcapping: 4,
    final_logit_softcapping: 3,
  },
  olmo2: { model_type: 'olmo2', ...small, num_key_value_heads: 1 },
  mixtral: {
    model_type: 'mixtral',
    ...small,
    num_key_value_heads: 1,
    num_local_experts: 3,
    num_experts_per_tok: 2,
  },
};

export const families = Object.keys(configs);

export const IDS = [3, 1, 4, 1, 5, 9, 2];
/** As long, and different in one place. */
export const OTHER_IDS = [3, 1, 4, 10, 5, 9, 2];

/** A model of a family whose parameters are all moved off their first values, where a one or a zero could hide a mistake. */
export function makeFamily(name: string): Transformer {
  const rng = new Rng(7);
  const model = modelFromConfig(configs[name], { rng }) as Transformer;
  for (const [path, variable] of parameters(model)) {
    const noise = randomNormal(variable.shape, rng.fold('moved').fold(path));
    tidy(() => variable.assign(add(variable, mul(fromHost(noise), 0.2))));
  }
  return model;
}

/** Runs a check on a model, frees it, and expects nothing to be left. */
export async function withModel<M extends LanguageModel>(
  make: () => M,
  check: (model: M) => Promise<void>,
): Promise<void> {
  const before = memory().numTensors;
  const model = make();
  await check(model);
  dispose(model);
  expect(memory().numTensors, 'tensors left behind').toBe(before);
}
