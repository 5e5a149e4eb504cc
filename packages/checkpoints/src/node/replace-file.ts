import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CheckpointWriteError } from '../errors.ts';

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file beside `path`, flushes it to the disk, and renames it to `path`.
 *
 * @throws CheckpointWriteError where the file system refuses
 */
export async function replaceFile(path: string, chunks: Chunks): Promise<void> {
  const target = resolve(path);
  const beside = `${target}.saving-${process.pid}-${randomBytes(4).toString('hex')}`;
  await writing(target, async () => {
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeChunks(beside, chunks);
      await rename(beside, target);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  });
}

/** Writes a new file, a chunk at a time, and waits until it is on the disk. */
export async function writeChunks(path: string, chunks: Chunks): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      for (let written = 0; written < chunk.length; ) {
        const length = Math.min(chunk.length - written, MAX_WRITE);
        written += (await handle.write(chunk, written, length)).bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system writes at most 2 GiB at once. */
const MAX_WRITE = 2 ** 30;

/** Runs `work` so that what the file system refuses becomes a CheckpointWriteError. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isSystemError(error) ? new CheckpointWriteError(path, error) : error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
