export { type ActivationName, activationName, activations } from './activations.ts';
export { type CausalAttentionOptions, causalAttention } from './causal-attention.ts';
export { CausalSelfAttention, type CausalSelfAttentionOptions } from './causal-self-attention.ts';
export { Conv1D, type Conv1DOptions } from './conv1d.ts';
export { Dropout, type DropoutOptions } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { GatedMLP, type GatedMLPOptions, gated } from './gated-mlp.ts';
export {
  checkHeads,
  GroupedQueryAttention,
  type GroupedQueryAttentionOptions,
} from './grouped-query-attention.ts';
export { checkWidth, mergeHeads, splitHeads } from './heads.ts';
export { type Initializer, normal, ones, uniform, zeros } from './initializers.ts';
export { LayerNorm, type LayerNormOptions } from './layer-norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { MLP, type MLPOptions } from './mlp.ts';
export { RMSNorm, type RMSNormOptions } from './rms-norm.ts';
export { RotaryEmbedding, type RotaryEmbeddingOptions } from './rotary-embedding.ts';
