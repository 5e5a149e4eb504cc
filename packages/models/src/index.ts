export { Bigram, type BigramOptions } from './bigram.ts';
export type { Config } from './config.ts';
export { GPT, type GPTOptions, GPTTransformer } from './gpt.ts';
export { MLPLanguageModel, type MLPLanguageModelOptions } from './mlp.ts';
export { modelFromConfig } from './registry.ts';
