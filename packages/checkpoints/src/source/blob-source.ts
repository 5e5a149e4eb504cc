import { type ByteSource, checkLength, checkRange, SourceError } from './byte-source.ts';

/** A `Blob`, or a `File` that the user picked; only the parts that are read come into memory. */
export function blobSource(blob: Blob, name = blob instanceof File ? blob.name : 'blob'): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    async readAt(offset, length) {
      checkRange(source, offset, length);
      let buffer: ArrayBuffer;
      try {
        buffer = await blob.slice(offset, offset + length).arrayBuffer();
      } catch (cause) {
        throw new SourceError(name, 'reachable', `the browser refuses it (${(cause as Error).message}).`, {
          cause,
        });
      }
      checkLength(name, offset, length, buffer.byteLength);
      return new Uint8Array(buffer);
    },
    async close() {},
  };
  return source;
}
