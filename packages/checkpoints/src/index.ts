export {
  type Checkpoint,
  checkpointFiles,
  type ReadCheckpointFile,
  type ReadCheckpointOptions,
  readCheckpoint,
  tokenizerDigest,
} from './checkpoint.ts';
export {
  CheckpointError,
  CheckpointFileError,
  CheckpointNotFoundError,
  CheckpointWriteError,
  ForeignFolderError,
  SafetensorsError,
  type SafetensorsRule,
  TokenizerMismatchError,
} from './errors.ts';
export { GgufError, type GgufRule } from './gguf/errors.ts';
export { llamaFromGguf } from './gguf/llama.ts';
export type { GgufArray, GgufValue } from './gguf/metadata.ts';
export { type Gguf, type GgufLimits, openGguf } from './gguf/open.ts';
export { HubError, type HubFault } from './hub/errors.ts';
export type { HubFolder } from './hub/hub-folder.ts';
export { type OpenHubOptions, openHub } from './hub/open-hub.ts';
export { type HuggingFaceOptions, huggingFaceFiles } from './hugging-face/files.ts';
export { DuplicateWeightError } from './hugging-face/model-names.ts';
export { type OpenHuggingFaceOptions, openHuggingFace } from './hugging-face/open.ts';
export type { Pretrained } from './hugging-face/pretrained.ts';
export type { JsonObject } from './json.ts';
export { Llama2cError, type Llama2cRule } from './llama2c/errors.ts';
export { openLlama2c } from './llama2c/open.ts';
export { type Llama2cModel, type Llama2cOptions, llama2cChunks } from './llama2c/write.ts';
export { type LoraAdapter, type LoraLayer, loraAdapter } from './lora/adapter.ts';
export { LoraError, type LoraRule } from './lora/errors.ts';
export { loraFiles, readLora } from './lora/files.ts';
export { mergeLora } from './lora/merge.ts';
export {
  type LoadedModel,
  type ModelFromCheckpointOptions,
  modelFromCheckpoint,
} from './model-from-checkpoint.ts';
export { type BuildModelOptions, WeightDtypeError } from './pretrained/build-model.ts';
export {
  type LoadPretrainedOptions,
  loadPretrained,
  type PretrainedModel,
} from './pretrained/load-pretrained.ts';
export type { LoadProgress } from './pretrained/load-progress.ts';
export { ModelFileError } from './pretrained/open-model-file.ts';
export { openPretrained, type PretrainedSource } from './pretrained/open-pretrained.ts';
export type { SafetensorsLimits } from './safetensors/header.ts';
export { readSafetensors, type Safetensors } from './safetensors/read.ts';
export { writeSafetensors } from './safetensors/write.ts';
export { ShardError, type ShardFaults } from './sharded/errors.ts';
export { type LazySafetensors, openSafetensors } from './sharded/open-safetensors.ts';
export { blobSource } from './source/blob-source.ts';
export { type ByteSource, SourceError, type SourceRule } from './source/byte-source.ts';
export { bytesSource } from './source/bytes-source.ts';
export type { SourceFolder } from './source/folder.ts';
export {
  hostTensors,
  type LazyStateDict,
  type TensorInfo,
  TensorNotFoundError,
} from './source/lazy-state-dict.ts';
export {
  forecastMemory,
  type MemoryForecast,
  MemoryLimitError,
  type ReadStateDictOptions,
  readStateDict,
  WeightValueError,
} from './source/memory.ts';
export { openUrl, type UrlSourceOptions } from './source/url-source.ts';
