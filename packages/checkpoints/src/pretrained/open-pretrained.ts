import { CheckpointError } from '../errors.ts';
import { openHuggingFace } from '../hugging-face/open.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { blobSource } from '../source/blob-source.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { filesFolder } from '../source/files-folder.ts';
import type { SourceFolder } from '../source/folder.ts';
import { urlFolder } from '../source/url-folder.ts';
import { openUrl } from '../source/url-source.ts';
import { openModelFile } from './open-model-file.ts';

/**
 * Where a model is: opened already, a folder in Hugging Face's layout, one file in GGUF or llama2.c's format, the files that a
 * user picked, or a URL: of a file, or of a folder if it ends in `/`.
 */
export type PretrainedSource =
  | Pretrained
  | SourceFolder
  | ByteSource
  | Blob
  | Iterable<File>
  | URL
  | `http://${string}`
  | `https://${string}`;

/** Whether the caller opened it, and closes it. */
export function isOpened(source: PretrainedSource): source is Pretrained {
  return typeof source === 'object' && 'weights' in source;
}

/**
 * Opens a model without reading its weights: its config, tokenizer, chat template, and which tensors there are.
 *
 * @returns its `weights` are closed by the caller
 * @throws CheckpointFileError, ShardError, DuplicateWeightError for a folder that is not a model
 * @throws ModelFileError, GgufError, Llama2cError, StateDictError for a file that is not one
 * @throws SourceError where the source cannot be read; TokenizerError
 */
export async function openPretrained(source: PretrainedSource): Promise<Pretrained> {
  if (typeof source === 'string' || source instanceof URL) return openFromUrl(source);
  if ('weights' in source) return source;
  if ('open' in source) return openHuggingFace(source);
  if ('readAt' in source) return openModelFile(source);
  if (source instanceof Blob) return openModelFile(blobSource(source));
  const files = [...source];
  return files.length === 1 ? openModelFile(blobSource(files[0])) : openHuggingFace(filesFolder(files));
}

async function openFromUrl(source: string | URL): Promise<Pretrained> {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CheckpointError(`A model is read from an http or https URL, but ${source} is none.`);
  }
  return url.pathname.endsWith('/') ? openHuggingFace(urlFolder(url)) : openModelFile(await openUrl(url));
}
