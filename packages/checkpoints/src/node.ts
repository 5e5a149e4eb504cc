export { folderSource } from './node/folder-source.ts';
export { type LoadCheckpointOptions, loadCheckpoint } from './node/load-checkpoint.ts';
export { loadLora } from './node/load-lora.ts';
export { loadModel } from './node/load-model.ts';
export { saveCheckpoint } from './node/save-checkpoint.ts';
export { saveHuggingFace } from './node/save-hugging-face.ts';
export { saveLlama2c } from './node/save-llama2c.ts';
export { saveLora } from './node/save-lora.ts';
export { openFile } from './source/file-source.ts';
