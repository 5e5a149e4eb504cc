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
export type { SafetensorsLimits } from './safetensors/header.ts';
export { readSafetensors, type Safetensors } from './safetensors/read.ts';
export { writeSafetensors } from './safetensors/write.ts';
