import type { HostTensor } from '@minigpt/core';
import { SafetensorsError } from '../errors.ts';

/**
 * How one dtype of a file becomes float32 or int32 on the host. `bytes` is exactly the tensor's data, at any alignment.
 * Everything is little-endian, as is every platform that tfjs runs on.
 */
interface Dtype {
  readonly bytesPerElement: number;
  readonly hostDtype: HostTensor['dtype'];
  decode(bytes: Uint8Array, tensor: string): HostTensor['data'];
}

const DTYPES = {
  /** Rounded to the nearest float32. */
  F64: {
    bytesPerElement: 8,
    hostDtype: 'float32',
    decode: (bytes) => new Float32Array(aligned(bytes, Float64Array)),
  },
  F32: { bytesPerElement: 4, hostDtype: 'float32', decode: (bytes) => aligned(bytes, Float32Array) },
  F16: {
    bytesPerElement: 2,
    hostDtype: 'float32',
    decode: (bytes) => widenFloat16(aligned(bytes, Uint16Array)),
  },
  BF16: {
    bytesPerElement: 2,
    hostDtype: 'float32',
    decode: (bytes) => widenBfloat16(aligned(bytes, Uint16Array)),
  },
  I64: {
    bytesPerElement: 8,
    hostDtype: 'int32',
    decode: (bytes, tensor) => narrowInt64(aligned(bytes, Int32Array), tensor),
  },
  I32: { bytesPerElement: 4, hostDtype: 'int32', decode: (bytes) => aligned(bytes, Int32Array) },
  I16: {
    bytesPerElement: 2,
    hostDtype: 'int32',
    decode: (bytes) => new Int32Array(aligned(bytes, Int16Array)),
  },
  I8: {
    bytesPerElement: 1,
    hostDtype: 'int32',
    decode: (bytes) => new Int32Array(aligned(bytes, Int8Array)),
  },
  U8: { bytesPerElement: 1, hostDtype: 'int32', decode: (bytes) => new Int32Array(bytes) },
  BOOL: {
    bytesPerElement: 1,
    hostDtype: 'int32',
    decode: (bytes, tensor) => new Int32Array(checkBooleans(bytes, tensor)),
  },
} as const satisfies Record<string, Dtype>;

/** The dtypes that are read; F32 and I32 are written. */
export type SafetensorsDtype = keyof typeof DTYPES;

export function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return Object.hasOwn(DTYPES, name);
}

export function dtypeOf(name: SafetensorsDtype): Dtype {
  return DTYPES[name];
}

export const DTYPE_NAMES = Object.keys(DTYPES);

interface TypedArrayConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/** A view of `bytes` where they lie at a multiple of the element's size, else of a copy. */
function aligned<T>(bytes: Uint8Array, Elements: TypedArrayConstructor<T>): T {
  const { BYTES_PER_ELEMENT } = Elements;
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.from(bytes);
  return new Elements(buffer, byteOffset, byteLength / BYTES_PER_ELEMENT);
}

/** IEEE 754 binary16: the exponent moves into place by a shift, its bias by a product, which is exact for subnormals too. */
function widenFloat16(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const magnitude = halves[i] & 0x7fff;
    bits[i] = magnitude << 13;
    if (magnitude < 0x7c00) floats[i] *= 2 ** 112;
    else bits[i] |= 0x7f800000; // infinities and NaN
    bits[i] |= (halves[i] & 0x8000) << 16;
  }
  return floats;
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return floats;
}

/** `words` holds the low and the high half of each int64 in turn. */
function narrowInt64(words: Int32Array, tensor: string): Int32Array {
  const integers = new Int32Array(words.length / 2);
  for (let i = 0; i < integers.length; i++) {
    const low = words[2 * i];
    const high = words[2 * i + 1];
    if (high !== low >> 31) {
      const value = BigInt(high) * 2n ** 32n + BigInt(low >>> 0);
      throw new SafetensorsError('values', `element ${i} is ${value}, which int32 cannot hold.`, tensor);
    }
    integers[i] = low;
  }
  return integers;
}

function checkBooleans(bytes: Uint8Array, tensor: string): Uint8Array {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong < 0) return bytes;
  throw new SafetensorsError('values', `a BOOL is 0 or 1, but element ${wrong} is ${bytes[wrong]}.`, tensor);
}
