import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, dispose, withoutWeights } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { type Config, modelFromConfig } from './index.ts';

const small = {
  vocab_size: 13,
  hidden_size: 8,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 2,
};
const llama = { model_type: 'llama', ...small };

/** What the model of a config writes. */
function written(config: Config): Config {
  const model = withoutWeights(() => modelFromConfig(config));
  const again = model.toConfig();
  dispose(model);
  return again;
}

describe('a config in the layout of transformers 4', () => {
  it.each<[string, Config, Config]>([
    ['theta', { rope_theta: 500 }, { rope_theta: 500, rope_type: 'default' }],
    [
      'linear scaling by its older name',
      { rope_scaling: { type: 'linear', factor: 2 } },
      { rope_type: 'linear', factor: 2, rope_theta: 10000 },
    ],
    [
      'llama3 scaling',
      {
        rope_theta: 500000,
        rope_scaling: {
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 64,
        },
      },
      { rope_type: 'llama3', rope_theta: 500000, factor: 8, original_max_position_embeddings: 64 },
    ],
    [
      'yarn, whose original length is the context unless it is given',
      { max_position_embeddings: 64, rope_scaling: { type: 'yarn', factor: 4 } },
      { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 },
    ],
  ])('%s', (_what, config, expected) => {
    const { rope_parameters } = written({ ...llama, ...config });
    expect(rope_parameters).toMatchObject(expected);
  });

  it('GPT-NeoX: rotary_pct and rotary_emb_base', () => {
    const config = {
      model_type: 'gpt_neox',
      ...small,
      hidden_size: 16,
      rotary_pct: 0.5,
      rotary_emb_base: 100,
    };
    expect(written(config)).toMatchObject({
      rotary_pct: 0.5,
      rotary_emb_base: 100,
      rope_parameters: { rope_theta: 100, partial_rotary_factor: 0.5 },
    });
  });

  it('Gemma: gelu means its tanh form', () => {
    const config = { model_type: 'gemma', ...small, head_dim: 4, num_key_value_heads: 1 };
    expect(written({ ...config, hidden_act: 'gelu' }).hidden_act).toBe('gelu_pytorch_tanh');
    expect(written({ ...config, hidden_activation: 'relu' }).hidden_act).toBe('relu');
    expect(written({ ...config, hidden_act: 'relu', hidden_activation: 'silu' }).hidden_act).toBe('relu');
  });

  it('the size of a head is said where the family has the setting: transformers takes no null with yarn', () => {
    for (const model_type of ['llama', 'mistral', 'mixtral', 'starcoder2']) {
      expect(written({ model_type, ...small, num_key_value_heads: 1 }).head_dim).toBe(4);
    }
  });
});

describe('a config', () => {
  it('may leave out what transformers has a default for, and hold what does not matter', () => {
    const model_type = 'mistral';
    const left = written({ model_type, ...small, num_attention_heads: 8, pretraining_tp: 1, _name: 'x' });
    expect(left).toMatchObject({
      sliding_window: 4096,
      num_key_value_heads: 8,
      max_position_embeddings: 131072,
    });
    expect(
      written({ model_type, ...small, num_key_value_heads: 1, sliding_window: null }).sliding_window,
    ).toBeNull();
  });

  it('keeps its token ids', () => {
    const ids = { bos_token_id: 1, eos_token_id: [2, 3], pad_token_id: null };
    expect(written({ ...llama, ...ids })).toMatchObject(ids);
  });

  it('says the same once it is written and read again', () => {
    const once = written({ ...llama, rope_parameters: { rope_type: 'dynamic', factor: 3 }, head_dim: 6 });
    expect(written(once)).toEqual(once);
  });

  it.each<[Config, string]>([
    [{ ...llama, hidden_size: undefined }, 'hidden_size'],
    [{ ...llama, hidden_act: 'snake' }, 'hidden_act'],
    [{ ...llama, rope_scaling: { rope_type: 'mrope' } }, 'rope_type'],
    [{ ...llama, rope_scaling: { rope_type: 'linear' } }, 'factor'],
    [{ ...llama, rope_scaling: { rope_type: 'longrope', short_factor: 'one' } }, 'short_factor'],
    [{ ...llama, num_attention_heads: 3 }, 'numHeads'],
    [{ ...llama, num_attention_heads: 4, num_key_value_heads: 3 }, 'numKeyValueHeads'],
    [{ ...llama, quantization_config: { bits: 4 } }, 'quantization_config'],
    [{ ...llama, model_type: 'mistral', layer_types: ['full_attention'] }, 'layer_types'],
    [
      { ...llama, model_type: 'qwen2', num_key_value_heads: 1, layer_types: ['chunked', 'chunked'] },
      'layer_types',
    ],
    [{ ...llama, model_type: 'gemma', use_bidirectional_attention: true }, 'use_bidirectional_attention'],
    [{ ...llama, model_type: 'mixtral', router_jitter_noise: 0.1 }, 'router_jitter_noise'],
    [{ ...llama, model_type: 'mixtral', num_experts_per_tok: 9 }, 'num_experts_per_tok'],
  ])('%j: the error names %s', (config, setting) => {
    try {
      written(config);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).setting).toBe(setting);
      return;
    }
    throw new Error('no error');
  });
});
