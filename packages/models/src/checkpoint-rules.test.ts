import { describe, expect, it } from 'vitest';
import { checkpointRules, parameterName } from './index.ts';

const nameIn = (config: Record<string, unknown>) => (tensor: string) =>
  parameterName(tensor, checkpointRules(config));

describe('names of a checkpoint', () => {
  it('are those of the model in most families', () => {
    const name = nameIn({ model_type: 'llama', tie_word_embeddings: false });
    const tensor = 'model.layers.3.self_attn.q_proj.weight';
    expect(name(tensor)).toBe(tensor);
    expect(name('lm_head.weight')).toBe('lm_head.weight');
    expect(name('model.layers.0.self_attn.rotary_emb.inv_freq')).toBeUndefined();
  });

  it.each(['gpt2', 'gemma', 'gemma2', 'starcoder2'])(
    '%s: a copy of the tied output counts for nothing',
    (model_type) => {
      expect(nameIn({ model_type })('lm_head.weight')).toBeUndefined();
      expect(nameIn({ model_type, tie_word_embeddings: false })('lm_head.weight')).toBe('lm_head.weight');
    },
  );

  it('the hub’s gpt2 has no prefix and extra masks', () => {
    const name = nameIn({ model_type: 'gpt2' });
    expect(name('h.0.attn.c_attn.weight')).toBe('transformer.h.0.attn.c_attn.weight');
    expect(name('wte.weight')).toBe('transformer.wte.weight');
    expect(name('ln_f.bias')).toBe('transformer.ln_f.bias');
    expect(name('transformer.h.0.attn.c_attn.bias')).toBe('transformer.h.0.attn.c_attn.bias');
    expect(name('h.0.attn.bias')).toBeUndefined();
    expect(name('transformer.h.0.attn.masked_bias')).toBeUndefined();
  });

  it('GPT-NeoX calls its output embed_out on disk and lm_head in memory', () => {
    const name = nameIn({ model_type: 'gpt_neox' });
    expect(name('embed_out.weight')).toBe('embed_out.weight');
    expect(name('lm_head.weight')).toBe('embed_out.weight');
    expect(name('gpt_neox.layers.0.attention.bias')).toBeUndefined();
    expect(name('gpt_neox.layers.0.attention.dense.bias')).toBe('gpt_neox.layers.0.attention.dense.bias');
  });

  it('Mixtral’s experts are those of block_sparse_moe', () => {
    const name = nameIn({ model_type: 'mixtral' });
    const tensor = 'model.layers.0.block_sparse_moe.experts.7.w2.weight';
    expect(name(tensor)).toBe(tensor);
    expect(name('model.layers.0.mlp.experts.7.w2.weight')).toBe(tensor);
  });
});
