const small = {
  vocab_size: 13,
  hidden_size: 12,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  num_key_value_heads: 1,
  max_position_embeddings: 16,
  initializer_range: 0.4,
};
/** A small model of each family, with windows shorter than its context where the family has them. */
export const smallFamilies = [
  {
    model_type: 'gpt2',
    vocab_size: 13,
    n_positions: 16,
    n_embd: 8,
    n_layer: 2,
    n_head: 2,
    initializer_range: 0.4,
  },
  { ...small, model_type: 'gpt_neox', rotary_pct: 0.5 },
  { ...small, model_type: 'llama' },
  { ...small, model_type: 'mistral', sliding_window: 4 },
  { ...small, model_type: 'mixtral', sliding_window: null, num_local_experts: 3, num_experts_per_tok: 2 },
  { ...small, model_type: 'qwen2', use_sliding_window: true, sliding_window: 3, max_window_layers: 1 },
  { ...small, model_type: 'qwen3', head_dim: 6 },
  { ...small, model_type: 'phi', partial_rotary_factor: 0.5 },
  { ...small, model_type: 'phi3', sliding_window: 4, pad_token_id: null },
  { ...small, model_type: 'gemma', head_dim: 6 },
  { ...small, model_type: 'gemma2', head_dim: 6, query_pre_attn_scalar: 10, sliding_window: 3 },
  { ...small, model_type: 'olmo2' },
  { ...small, model_type: 'starcoder2', sliding_window: 4 },
];
