import { type ByteSource, checkRange } from './byte-source.ts';

/** Bytes in memory; what is read are views of them. */
export function bytesSource(bytes: Uint8Array, name = 'in memory'): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.length,
    async readAt(offset, length) {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async close() {},
  };
  return source;
}
