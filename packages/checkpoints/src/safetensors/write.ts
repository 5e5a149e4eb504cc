import type { HostTensor, StateDict } from '@minigpt/core';
import { SafetensorsError } from '../errors.ts';
import { elementCount } from '../source/lazy-state-dict.ts';
import { checkName, LENGTH_BYTES } from './header.ts';
import { toBfloat16, toFloat16, WEIGHT_DTYPES, type WeightDtype } from './narrow.ts';

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
  floats: WeightDtype = 'float32',
): { header: Uint8Array; names: string[] } {
  const sorted = [...tensors].sort(byDtypeAndName(floats));
  const header: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dtype, shape }] of sorted) {
    checkName(name);
    const end = offset + bytesToWrite({ dtype, shape }, floats);
    const written = dtype === 'float32' ? WEIGHT_DTYPES[floats].name : 'I32';
    header.push([name, { dtype: written, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  return { header: encodeHeader(Object.fromEntries(header)), names: sorted.map(([name]) => name) };
}

/** Bytes of a tensor whose floating-point values are written as `floats`. */
export function bytesToWrite({ dtype, shape }: Outline, floats: WeightDtype): number {
  return elementCount(shape) * (dtype === 'float32' ? WEIGHT_DTYPES[floats].bytesPerElement : 4);
}

/** Wider dtypes first, so that each tensor is aligned; F32 before I32. */
function byDtypeAndName(floats: WeightDtype) {
  const first = WEIGHT_DTYPES[floats].bytesPerElement === 4 ? 'float32' : 'int32';
  return ([a, { dtype: dtypeA }]: [string, Outline], [b, { dtype: dtypeB }]: [string, Outline]) => {
    if (dtypeA !== dtypeB) return dtypeA === first ? -1 : 1;
    return a < b ? -1 : 1;
  };
}

/** @throws SafetensorsError where shape, dtype and data contradict each other */
function checkTensor(name: string, { dtype, shape, data }: HostTensor): void {
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

/** The bytes of a tensor in a file whose floating-point values are `floats`. @throws SafetensorsError */
export function encodeTensor(name: string, tensor: HostTensor, floats: WeightDtype): Uint8Array {
  checkTensor(name, tensor);
  const { data } = tensor;
  if (data instanceof Int32Array || floats === 'float32') return bytesOf(data);
  return bytesOf(floats === 'float16' ? toFloat16(data, name) : toBfloat16(data));
}

export function bytesOf({ buffer, byteOffset, byteLength }: HostTensor['data'] | Uint16Array): Uint8Array {
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
