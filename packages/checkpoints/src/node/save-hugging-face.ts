import { type HuggingFaceOptions, huggingFaceFiles } from '../hugging-face/files.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { saveFolder } from './save-folder.ts';

/**
 * Writes a model as the new folder `dir`, as Python's `transformers` loads it, whole or not at all: beside it, then renamed.
 * Weights are read and written one tensor at a time.
 *
 * @throws ForeignFolderError where `dir` is there and not empty
 * @throws CheckpointWriteError where the file system refuses
 * @throws CheckpointError for a tensor or number that cannot be written, and what reading the weights throws
 */
export async function saveHuggingFace(
  dir: string,
  model: Pretrained,
  options?: HuggingFaceOptions,
): Promise<void> {
  await saveFolder(dir, huggingFaceFiles(model, options));
}
