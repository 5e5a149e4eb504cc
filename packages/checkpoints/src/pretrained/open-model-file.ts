import { CheckpointError } from '../errors.ts';
import { llamaFromGguf } from '../gguf/llama.ts';
import { openGguf } from '../gguf/open.ts';
import { PICKLE } from '../hugging-face/pickle.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import { openLlama2c } from '../llama2c/open.ts';
import type { ByteSource } from '../source/byte-source.ts';

/** What a file of weights is, told by how it begins. */
export type ModelFileFormat = 'gguf' | 'safetensors' | 'pickle' | 'llama2c';

/** A file holds weights, but not all that makes a model, or in a format that is not read. */
export class ModelFileError extends CheckpointError {
  readonly file: string;

  constructor(file: string, reason: string) {
    super(`${file} is not a whole model: ${reason}`);
    this.file = file;
  }
}

export async function modelFileFormat(source: ByteSource): Promise<ModelFileFormat> {
  const begin = await source.readAt(0, Math.min(9, source.size));
  const text = String.fromCharCode(...begin);
  if (text.startsWith('GGUF')) return 'gguf';
  // A zip, or a pickle of protocol 2 and later: what torch.save writes.
  if (text.startsWith('PK\u0003\u0004') || (begin[0] === 0x80 && begin[1] < 6)) return 'pickle';
  // The header's length in 64 bits, then JSON.
  if (text[8] === '{' && begin[6] === 0 && begin[7] === 0) return 'safetensors';
  return 'llama2c'; // its older version has no mark; the length of the file must fit its header
}

/**
 * Opens a model that stands in one file, GGUF or llama2.c, told by its contents. The source is closed where that fails.
 *
 * @throws ModelFileError for safetensors, which need their config.json, and for Python pickles
 * @throws GgufError, Llama2cError, StateDictError, TokenizerError, SourceError
 */
export async function openModelFile(source: ByteSource): Promise<Pretrained> {
  try {
    switch (await modelFileFormat(source)) {
      case 'gguf':
        return await llamaFromGguf(await openGguf(source));
      case 'llama2c':
        return await openLlama2c(source);
      case 'safetensors':
        throw new ModelFileError(
          source.name,
          'safetensors hold weights alone; give the folder with its config.json.',
        );
      case 'pickle':
        throw new ModelFileError(source.name, PICKLE);
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}
