import { testModel } from '@minigpt/testing';
import { modelFromConfig } from './index.ts';

const small = {
  vocab_size: 7,
  hidden_size: 8,
  intermediate_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 5,
  initializer_range: 0.3,
  attention_dropout: 0.2,
};

// One of each make. Finite differences need smooth functions: all experts are chosen, and Gemma's norms of what is small are soft.
const configs = [
  { model_type: 'llama', ...small, num_key_value_heads: 1 },
  { model_type: 'gpt_neox', ...small, hidden_dropout: 0.2, rotary_pct: 0.5 },
  { model_type: 'phi', ...small, resid_pdrop: 0.2, embd_pdrop: 0.2 },
  {
    model_type: 'gemma2',
    ...small,
    num_key_value_heads: 1,
    head_dim: 4,
    sliding_window: 2,
    rms_norm_eps: 0.3,
  },
  { model_type: 'starcoder2', ...small, residual_dropout: 0.2, embedding_dropout: 0.2 },
  { model_type: 'mixtral', ...small, num_key_value_heads: 1, num_local_experts: 3, num_experts_per_tok: 3 },
];

for (const config of configs) {
  testModel(config.model_type, (rng) => modelFromConfig(config, { rng }), { fromConfig: modelFromConfig });
}
