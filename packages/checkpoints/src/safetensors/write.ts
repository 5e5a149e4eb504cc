import type { HostTensor, StateDict } from '@minigpt/core';
import { SafetensorsError } from '../errors.ts';
import { elementCount } from '../source/lazy-state-dict.ts';
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
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  const { header, names } = layOut(tensors, metadata);
  return [header, ...names.map((name) => bytesOf((tensors.get(name) as HostTensor).data))];
}

/** What the header of a file needs to know of a tensor. */
type Outline = Pick<HostTensor, 'dtype' | 'shape'>;

/**
 * The header of a file, and the order in which its tensors follow.
 *
 * @throws SafetensorsError where a name cannot be written.
 */
export function layOut(
  tensors: ReadonlyMap<string, Outline>,
  metadata?: Readonly<Record<string, string>>,
): { header: Uint8Array; names: string[] } {
  const sorted = [...tensors].sort(byDtypeAndName);
  const header: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dtype, shape }] of sorted) {
    checkName(name);
    const end = offset + BYTES_PER_ELEMENT * elementCount(shape);
    header.push([name, { dtype: dtype === 'float32' ? 'F32' : 'I32', shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  return { header: encodeHeader(Object.fromEntries(header)), names: sorted.map(([name]) => name) };
}

/** Of F32 and I32. */
const BYTES_PER_ELEMENT = 4;

function byDtypeAndName(
  [a, { dtype: dtypeA }]: [string, Outline],
  [b, { dtype: dtypeB }]: [string, Outline],
) {
  if (dtypeA !== dtypeB) return dtypeA === 'float32' ? -1 : 1;
  return a < b ? -1 : 1;
}

/** @throws SafetensorsError where shape, dtype and data contradict each other */
export function checkTensor(name: string, { dtype, shape, data }: HostTensor): void {
  const elements = elementCount(shape);
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

export function bytesOf({ buffer, byteOffset, byteLength }: HostTensor['data']): Uint8Array {
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
