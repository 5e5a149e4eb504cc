export { type BeamSearchOptions, beamSearch, type ScoredText } from './beam-search.ts';
export { type BestOfOptions, bestOf } from './best-of.ts';
export {
  type ChatMessage,
  type ChatModel,
  type ChatOptions,
  type ChatRenderer,
  type ChatTokenizer,
  chat,
} from './chat.ts';
export { type CompiledDecoder, type CompiledDecoderOptions, compiledDecoder } from './compiled-decoder.ts';
export { Constraint } from './constrained/constraint.ts';
export {
  ConstraintSizeError,
  JsonSchemaError,
  NoContinuationError,
  PatternError,
} from './constrained/errors.ts';
export type { JsonFormat } from './constrained/json-schema.ts';
export type { ConstrainableTokenizer } from './constrained/token-trie.ts';
export { CacheCapacityError, CacheTrimError, LogitsError, PromptError } from './errors.ts';
export {
  type BatchToken,
  type FinishReason,
  type GeneratedToken,
  type GenerateOptions,
  generate,
  generateBatch,
  type TokenProbability,
} from './generate.ts';
export { generateSpeculatively, type SpeculativeOptions } from './generate-speculatively.ts';
export {
  type GeneratedPiece,
  type GenerateTextOptions,
  generateText,
  type TextTokenizer,
} from './generate-text.ts';
export { FixedKVCache } from './kv-cache/fixed.ts';
export { GrowingKVCache } from './kv-cache/growing.ts';
export type { ManagedKVCache } from './kv-cache/managed-kv-cache.ts';
export { SlidingKVCache } from './kv-cache/sliding.ts';
export { allowedIds } from './processors/allowed-ids.ts';
export { epsilonCutoff, etaCutoff, minP } from './processors/cutoff.ts';
export { logSoftmax } from './processors/log-softmax.ts';
export { minLength } from './processors/min-length.ts';
export { noRepeatNgram } from './processors/no-repeat-ngram.ts';
export { type CountPenalties, countPenalties, repetitionPenalty } from './processors/penalties.ts';
export { chain, type LogitsProcessor, type LogitsWarper, type TokensToKeep } from './processors/processor.ts';
export { badWords, type SequenceBias, sequenceBias } from './processors/sequence-bias.ts';
export { temperature } from './processors/temperature.ts';
export { topH } from './processors/top-h.ts';
export { topK } from './processors/top-k.ts';
export { topP } from './processors/top-p.ts';
export { typicalP } from './processors/typical-p.ts';
export { greedy, multinomial, type Sampler } from './sampler.ts';
export type { ConstraintOptions, WarpingOptions } from './sampling-options.ts';
export { Session, type SessionOptions } from './session.ts';
export type { CompileDecoding } from './token-steps.ts';
