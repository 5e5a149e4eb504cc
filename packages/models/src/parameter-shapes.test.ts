import '@tensorflow/tfjs-backend-cpu';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { parameterShapes } from './index.ts';

const count = (config: Record<string, unknown>) => {
  const sizes = [...parameterShapes(config).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((a, b) => a + b, 0);
};

const mistral7B = {
  model_type: 'mistral',
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 32768,
  rope_theta: 10000,
  sliding_window: 4096,
};

// The published numbers of parameters, from the configs on the hub.
describe('the parameters of models too large for memory', () => {
  it('Mistral 7B', () => {
    const before = memory().numTensors;
    expect(count(mistral7B)).toBe(7_241_732_096);
    expect(parameterShapes(mistral7B).get('model.layers.31.mlp.down_proj.weight')).toEqual([4096, 14336]);
    expect(memory().numTensors).toBe(before);
  });

  it('Mixtral 8×7B', () => {
    const config = { ...mistral7B, model_type: 'mixtral', num_local_experts: 8, num_experts_per_tok: 2 };
    expect(count(config)).toBe(46_702_792_704);
  });

  it('Llama 3.2 1B, tied', () => {
    const config = {
      model_type: 'llama',
      vocab_size: 128256,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      tie_word_embeddings: true,
    };
    expect(count(config)).toBe(1_235_814_400);
  });

  it('GPT-2', () => {
    const config = {
      model_type: 'gpt2',
      vocab_size: 50257,
      n_positions: 1024,
      n_layer: 12,
      n_head: 12,
      n_embd: 768,
    };
    expect(count(config)).toBe(124_439_808);
  });

  it('Gemma 2 2B', () => {
    const config = {
      model_type: 'gemma2',
      vocab_size: 256000,
      hidden_size: 2304,
      intermediate_size: 9216,
      num_hidden_layers: 26,
      num_attention_heads: 8,
      num_key_value_heads: 4,
    };
    expect(count(config)).toBe(2_614_341_888);
  });
});
