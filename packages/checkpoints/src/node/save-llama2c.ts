import { type Llama2cModel, type Llama2cOptions, llama2cChunks } from '../llama2c/write.ts';
import { replaceFile } from './replace-file.ts';

/**
 * Writes a Llama as llama2.c's `.bin`: beside `path` and renamed, so that a file there is replaced whole or not at all.
 *
 * @throws Llama2cError, StateDictError for a model that the format cannot hold
 * @throws CheckpointWriteError where the file system refuses
 */
export async function saveLlama2c(
  path: string,
  model: Llama2cModel,
  options?: Llama2cOptions,
): Promise<void> {
  await replaceFile(path, llama2cChunks(model, options));
}
