import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, dispose } from '@minigpt/core';
import { describe, expect, it } from 'vitest';
import { type Config, modelFromConfig } from './index.ts';

const gpt2 = { model_type: 'gpt2', vocab_size: 11, n_positions: 6, n_layer: 1, n_head: 2, n_embd: 4 };

function settingOf(config: Config): string {
  try {
    dispose(modelFromConfig(config));
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { setting, message } = error as ConfigError;
    expect(message).toContain(setting === 'nHead' ? 'heads' : setting);
    return setting;
  }
  return 'no error';
}

describe('modelFromConfig', () => {
  it('takes what transformers leaves out as its defaults', () => {
    const model = modelFromConfig(gpt2);
    expect(model.toConfig()).toMatchObject({
      ...gpt2,
      n_inner: 16,
      activation_function: 'gelu_new',
      tie_word_embeddings: true,
      resid_pdrop: 0.1,
      layer_norm_epsilon: 1e-5,
    });
    dispose(model);
  });

  it.each([
    [{ ...gpt2, model_type: 'gpt5' }, 'model_type'],
    [{}, 'model_type'],
    [{ ...gpt2, model_type: 'toString' }, 'model_type'],
    [{ ...gpt2, n_embd: undefined }, 'n_embd'],
    [{ ...gpt2, n_layer: 0 }, 'n_layer'],
    [{ ...gpt2, n_layer: 1.5 }, 'n_layer'],
    [{ ...gpt2, vocab_size: '11' }, 'vocab_size'],
    [{ ...gpt2, n_head: 3 }, 'nHead'],
    [{ ...gpt2, layer_norm_epsilon: 'small' }, 'layer_norm_epsilon'],
    [{ ...gpt2, tie_word_embeddings: 'yes' }, 'tie_word_embeddings'],
    [{ ...gpt2, activation_function: 'gelu_newer' }, 'activation'],
    [{ ...gpt2, scale_attn_by_inverse_layer_idx: 'yes' }, 'scale_attn_by_inverse_layer_idx'],
    [{ ...gpt2, add_cross_attention: true }, 'add_cross_attention'],
    [{ ...gpt2, n_layer: 1e9 }, 'n_layer'],
    [{ model_type: 'mixtral', num_hidden_layers: 1000, num_local_experts: 1000 }, 'num_hidden_layers'],
    [{ model_type: 'phi', tie_word_embeddings: true }, 'tie_word_embeddings'],
    [{ model_type: 'bigram', block_size: 4 }, 'vocab_size'],
    [{ model_type: 'mlp', vocab_size: 4, block_size: 4, n_embd: 4 }, 'n_hidden'],
  ] as readonly (readonly [Config, string])[])('%j: the error names %s', (config, setting) => {
    expect(settingOf(config)).toBe(setting);
  });
});
