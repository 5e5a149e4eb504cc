import { resolve } from 'node:path';
import { checkTokenizer, FILES, readManifest } from '../checkpoint.ts';
import { CheckpointFileError } from '../errors.ts';
import { openHuggingFace } from '../hugging-face/open.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { readWhole } from '../source/folder.ts';
import { folderSource } from './folder-source.ts';
import { readWhileReplaced } from './load-checkpoint.ts';

/**
 * Opens the folder `dir`, in Hugging Face's layout or a checkpoint of ours, without reading its weights. A checkpoint of ours is
 * whole also where a run is replacing it meanwhile, and its tokenizer is the one that it was saved with.
 *
 * @throws CheckpointNotFoundError, TokenizerMismatchError, and what `openHuggingFace` throws
 */
export async function openCheckpoint(dir: string): Promise<Pretrained> {
  const name = resolve(dir);
  return readWhileReplaced(
    name,
    (folder) => openFolder(name, folder),
    ({ weights }) => weights.close(),
  );
}

async function openFolder(name: string, dir: string): Promise<Pretrained> {
  const folder = { ...folderSource(dir), name };
  const manifest = await readManifest((file) => readWhole(folder, file), name);
  const pretrained = await openHuggingFace(folder);
  const { tokenizer, weights } = pretrained;
  try {
    if (manifest !== undefined && tokenizer !== undefined) await checkTokenizer(name, manifest, tokenizer);
    if (tokenizer === undefined && manifest?.files.includes(FILES.tokenizer)) {
      throw new CheckpointFileError(name, FILES.tokenizer, 'it is missing.');
    }
    return pretrained;
  } catch (error) {
    await weights.close();
    throw error;
  }
}
