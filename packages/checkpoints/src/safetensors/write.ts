import type { HostTensor, StateDict } from '@minigpt/core';
import { SafetensorsError } from '../errors.ts';
import { checkName, LENGTH_BYTES } from './header.ts';

/**
 * A safetensors file, byte for byte as Python's `safetensors` writes the same tensors: float32 before int32, each in the
 * order of their names, the header padded with spaces so that the data begin at a multiple of 8.
 *
 * @param metadata strings kept under `__metadata__`; `transformers` asks for `{ format: 'pt' }`.
 * @throws SafetensorsError where a name, shape or dtype cannot be written.
 */
export function writeSafetensors(
  tensors: StateDict,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const chunks = safetensorsChunks(tensors, metadata);
  const file = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    file.set(chunk, offset);
    offset += chunk.length;
  }
  return file;
}

/** The same file in pieces, so that a writer need not hold the weights twice: the header, then each tensor's own bytes. */
export function safetensorsChunks(
  tensors: StateDict,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  const sorted = [...tensors].sort(byDtypeAndName);
  const header: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of sorted) {
    check(name, tensor);
    const bytes = bytesOf(tensor.data);
    const end = offset + bytes.length;
    const dtype = tensor.dtype === 'float32' ? 'F32' : 'I32';
    header.push([name, { dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    data.push(bytes);
    offset = end;
  }
  return [encodeHeader(Object.fromEntries(header)), ...data];
}

function byDtypeAndName(
  [a, { dtype: dtypeA }]: [string, HostTensor],
  [b, { dtype: dtypeB }]: [string, HostTensor],
) {
  if (dtypeA !== dtypeB) return dtypeA === 'float32' ? -1 : 1;
  return a < b ? -1 : 1;
}

function check(name: string, { dtype, shape, data }: HostTensor): void {
  checkName(name);
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== data.length) {
    throw new SafetensorsError(
      'shape',
      `shape [${shape}] has ${elements} elements, but ${data.length} came.`,
      name,
    );
  }
  if ((dtype === 'float32') !== data instanceof Float32Array) {
    throw new SafetensorsError('dtype', `dtype ${dtype} came with a ${data.constructor.name}.`, name);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: HostTensor['data']): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Length, JSON, spaces: a multiple of 8 bytes. */
function encodeHeader(header: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}
