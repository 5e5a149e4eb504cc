export { type LoadCheckpointOptions, loadCheckpoint } from './node/load-checkpoint.ts';
export { loadModel } from './node/load-model.ts';
export { saveCheckpoint } from './node/save-checkpoint.ts';
export { openFile } from './source/file-source.ts';
