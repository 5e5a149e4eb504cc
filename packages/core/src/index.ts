export { checkpoint } from './checkpoint.ts';
export {
  backendCompiler,
  type Compile,
  type CompiledStep,
  CompileError,
  type CompileOptions,
  feed,
  registerCompiler,
  type Step,
  withFeeder,
} from './compile.ts';
export { Context, type EvaluationOptions, type Tap, type TrainingOptions } from './context.ts';
export {
  ConfigError,
  MinigptError,
  ShapeError,
  type ShapeMismatch,
  StateDictError,
  TokenRangeError,
} from './errors.ts';
export { registerGradients } from './gradients.ts';
export type { CachedKeysAndValues, KeysAndValues, KVCache } from './kv-cache.ts';
export { LanguageModel, type TokenBatch } from './language-model.ts';
export { Module } from './module.ts';
export { Rng } from './rng.ts';
export { type Anatomy, type BlockAnatomy, Transformer, TransformerBlock } from './transformer.ts';
export {
  type AnyModule,
  assignAll,
  checkShapes,
  countParameters,
  dispose,
  freeze,
  fromHost,
  type HostTensor,
  loadStateDict,
  mapModules,
  modules,
  parameter,
  parameters,
  type StateDict,
  stateDict,
  toHost,
  trainableParameters,
} from './tree.ts';
export { type ValueAndGrads, valueAndGrads } from './value-and-grads.ts';
export { firstValue, withoutWeights } from './without-weights.ts';
export { writeFailure } from './write-failure.ts';
