import { type FileHandle, open } from 'node:fs/promises';
import { type ByteSource, checkLength, checkRange, SourceError } from './byte-source.ts';

/** The system reads at most 2 GiB at once. */
const MAX_READ = 2 ** 30;

/**
 * An open file; `close()` gives its handle back.
 *
 * @throws SourceError where there is no file that may be read
 */
export async function openFile(path: string): Promise<ByteSource> {
  const handle = await readable(path, open(path, 'r'));
  try {
    return await fileSource(path, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function fileSource(path: string, handle: FileHandle): Promise<ByteSource> {
  const info = await readable(path, handle.stat());
  if (!info.isFile()) throw new SourceError(path, 'reachable', 'it is not a file.');
  const source: ByteSource = {
    name: path,
    size: info.size,
    async readAt(offset, length) {
      checkRange(source, offset, length);
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const room = Math.min(length - filled, MAX_READ);
        const { bytesRead } = await readable(path, handle.read(bytes, filled, room, offset + filled));
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      checkLength(path, offset, length, filled);
      return bytes;
    },
    close: () => handle.close(),
  };
  return source;
}

async function readable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new SourceError(path, 'reachable', `the system refuses it (${(cause as Error).message}).`, {
      cause,
    });
  }
}
