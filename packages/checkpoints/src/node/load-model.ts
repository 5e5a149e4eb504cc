import { resolve } from 'node:path';
import { type LoadedModel, modelFromCheckpoint } from '../model-from-checkpoint.ts';
import { loadCheckpoint } from './load-checkpoint.ts';

/**
 * The model in the checkpoint folder `dir`, with its weights and tokenizer, on the current backend.
 *
 * @throws what `loadCheckpoint` and `modelFromCheckpoint` throw: each says which file of which folder is at fault, and why
 */
export async function loadModel(dir: string): Promise<LoadedModel> {
  return modelFromCheckpoint(await loadCheckpoint(dir, { optimizer: false }), { name: resolve(dir) });
}
