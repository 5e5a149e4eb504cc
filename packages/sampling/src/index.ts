export { LogitsError, PromptError } from './errors.ts';
export { type GeneratedToken, type GenerateOptions, generate } from './generate.ts';
export { nextTokenLogits } from './next-token-logits.ts';
export { chain, type LogitsProcessor, type TokensToKeep } from './processors/processor.ts';
export { temperature } from './processors/temperature.ts';
export { topK } from './processors/top-k.ts';
export { topP } from './processors/top-p.ts';
export { greedy, multinomial, type Sampler } from './sampler.ts';
