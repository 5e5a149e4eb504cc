import type { HostTensor } from '@minigpt/core';
import type { ByteSource } from '../source/byte-source.ts';
import {
  elementCount,
  type LazyStateDict,
  type TensorInfo,
  TensorNotFoundError,
} from '../source/lazy-state-dict.ts';
import { PrefixTooShort } from './cursor.ts';
import { GgufError } from './errors.ts';
import { type GgufHeader, type GgufTensor, parseGgufHeader } from './header.ts';
import type { GgufValue } from './metadata.ts';

export interface GgufLimits {
  /** The longest header that is read: vocabularies of 256,000 tokens take about 15 MB. Default 128 MiB. */
  readonly maxHeaderBytes?: number;
}

/** An open GGUF file. */
export interface Gguf extends LazyStateDict {
  readonly version: 2 | 3;
  readonly metadata: Readonly<Record<string, GgufValue>>;
}

/** The header's length is not written in the file: so much of it is read at first, then four times as much. */
const FIRST_PREFIX_BYTES = 2 ** 18;
/** Quantised tensors are read in pieces of about this size. */
const PIECE_BYTES = 2 ** 23;

/**
 * Opens a GGUF file of version 2 or 3 (https://github.com/ggml-org/ggml, docs/gguf.md): reads its header, and tensors when they
 * are asked for, widened to float32 (I8, I16, I32 and I64 to int32). The values are those of ggml's reference, bit for bit.
 *
 * Names and values are as in the file: see `llamaFromGguf` for the names of Hugging Face.
 *
 * @throws GgufError naming the rule, and the tensor or key; what the header claims is checked before it is allocated
 * @throws SourceError where the source cannot be read
 */
export async function openGguf(source: ByteSource, limits: GgufLimits = {}): Promise<Gguf> {
  const { version, metadata, tensors } = await readHeader(source, limits);
  return {
    version,
    metadata,
    tensors: new Map([...tensors].map(([name, tensor]) => [name, infoOf(tensor)])),
    async read(name) {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new TensorNotFoundError(name, source.name);
      return readTensor(source, name, tensor);
    },
    close: () => source.close(),
  };
}

async function readHeader(source: ByteSource, { maxHeaderBytes = 2 ** 27 }: GgufLimits): Promise<GgufHeader> {
  let prefix = new Uint8Array(0);
  let length = Math.min(FIRST_PREFIX_BYTES, maxHeaderBytes);
  for (;;) {
    prefix = await extend(source, prefix, Math.min(length, source.size));
    try {
      return parseGgufHeader(prefix, source.size);
    } catch (error) {
      if (!(error instanceof PrefixTooShort)) throw error;
      if (error.neededBytes > maxHeaderBytes) {
        throw new GgufError(
          'header limit',
          `A header may have ${maxHeaderBytes} bytes (maxHeaderBytes), but this one goes on to byte ` +
            `${error.neededBytes} at least; raise the limit if the file is to be trusted.`,
        );
      }
      length = Math.min(Math.max(4 * prefix.length, error.neededBytes), maxHeaderBytes);
    }
  }
}

async function extend(
  source: ByteSource,
  prefix: Uint8Array,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const longer = new Uint8Array(length);
  longer.set(prefix);
  longer.set(await source.readAt(prefix.length, length - prefix.length), prefix.length);
  return longer;
}

function infoOf({ shape, type, bytes }: GgufTensor): TensorInfo {
  return { shape, dtype: type.dtype, storedAs: type.name, storedBytes: bytes };
}

async function readTensor(
  source: ByteSource,
  name: string,
  { shape, type, begin, bytes }: GgufTensor,
): Promise<HostTensor> {
  const { dtype, blockBytes, blockSize } = type;
  if (type.kind === 'plain') {
    return { dtype, shape, data: type.decode(await source.readAt(begin, bytes), name) };
  }
  const data = new Float32Array(elementCount(shape));
  const blocks = bytes / blockBytes;
  const blocksAtOnce = Math.floor(PIECE_BYTES / blockBytes);
  for (let block = 0; block < blocks; block += blocksAtOnce) {
    const end = Math.min(block + blocksAtOnce, blocks);
    const piece = await source.readAt(begin + block * blockBytes, (end - block) * blockBytes);
    type.dequantize(piece, data.subarray(block * blockSize, end * blockSize));
  }
  return { dtype, shape, data };
}
