export {
  type Checkpoint,
  checkpointFiles,
  type ReadCheckpointFile,
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
export type { JsonObject } from './json.ts';
export { type LoadedModel, modelFromCheckpoint } from './model-from-checkpoint.ts';
export type { SafetensorsLimits } from './safetensors/header.ts';
export { readSafetensors, type Safetensors } from './safetensors/read.ts';
export { writeSafetensors } from './safetensors/write.ts';
