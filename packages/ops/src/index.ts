export { alibiBias, alibiSlopes } from './alibi.ts';
export {
  type AttentionOptions,
  attend,
  attention,
  attentionScores,
  attentionWeights,
  type DroppedAttentionOptions,
} from './attention.ts';
export { type AttentionMaskOptions, attentionMask, attentionMaskValues } from './attention-mask.ts';
export { type CrossEntropyOptions, crossEntropy, tokenLosses } from './cross-entropy.ts';
export { dropout } from './dropout.ts';
export { embedding } from './embedding.ts';
export { geglu, swiglu } from './gated.ts';
export { geluErf, geluTanh } from './gelu.ts';
export { hasKernel, runKernel } from './kernel.ts';
export { type LayerNormOptions, layerNorm } from './layer-norm.ts';
export { conv1d, linear } from './linear.ts';
export { type MatMulOptions, matMul } from './mat-mul.ts';
export { loadBalancingLoss, routingWeights } from './mixture-of-experts.ts';
export { reluSquared } from './relu-squared.ts';
export { type RmsNormOptions, rmsNorm } from './rms-norm.ts';
export { type RopeLayout, type RopeOptions, rope } from './rope.ts';
export {
  type Llama3Scaling,
  type LongRopeScaling,
  type RopeFrequencies,
  type RopeFrequenciesOptions,
  type RopeScaling,
  ropeFrequencies,
  ropeTables,
  type YarnScaling,
} from './rope-frequencies.ts';
export { silu } from './silu.ts';
export { withGradient } from './with-gradient.ts';
