export { Bigram, type BigramOptions } from './bigram.ts';
export type { Config } from './config.ts';
export { CausalDecoder, Decoder, DecoderLanguageModel } from './decoder.ts';
export { GPT, type GPTOptions, GPTTransformer } from './gpt.ts';
export { GPTNeoX } from './gpt-neox.ts';
export { Mixtral } from './mixtral.ts';
export { MLPLanguageModel, type MLPLanguageModelOptions } from './mlp.ts';
export { Phi } from './phi.ts';
export { modelFromConfig, parameterShapes } from './registry.ts';
