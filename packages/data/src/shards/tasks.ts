import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { ShardSourceError } from './errors.ts';
import { MAX_DOCUMENT_BYTES, tooLong } from './limits.ts';
import { parquetRowGroups } from './parquet.ts';
import type { SourceFile } from './source-files.ts';

/** A piece of work that a thread can do alone: it finds its documents by itself. Which pieces there are depends on the files alone. */
export type Task = TaskContents & {
  /** Bytes of the source files that are done with it, for progress. */
  readonly sourceBytes: number;
};

type TaskContents =
  /** Files that are one document each. */
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** Part of a text that is too long for one piece; where it is cut exactly, `readPiece` says. */
  | {
      readonly kind: 'piece';
      readonly path: string;
      readonly start: number;
      readonly end: number;
      readonly isLast: boolean;
    }
  /** The lines of a file that begin in [start, end). */
  | { readonly kind: 'lines'; readonly path: string; readonly start: number; readonly end: number }
  /** Lines that were unzipped; the first of them is at `offset` of the unzipped file. */
  | { readonly kind: 'unzipped'; readonly path: string; readonly bytes: Uint8Array; readonly offset: number }
  /** Rows of a Parquet file, [start, end). */
  | { readonly kind: 'rows'; readonly path: string; readonly start: number; readonly end: number };

/** About what a thread gets at once: enough to be worth a message, little enough to share out evenly. */
const TASK_BYTES = 2 ** 20;

/** A text up to this size is one piece. */
const WHOLE_TEXT_BYTES = 2 ** 24;

/**
 * All work on some files, in their order. Files are opened when it is their turn; of a gzipped one, which has to be read from its
 * beginning, a few pieces are in memory.
 *
 * @param field the column of Parquet files that holds the texts
 */
export async function* tasksOf(files: Iterable<SourceFile>, field: string): AsyncGenerator<Task> {
  let paths: string[] = [];
  let bytes = 0;
  function* grouped(): Generator<Task> {
    if (paths.length > 0) yield { kind: 'files', paths, sourceBytes: bytes };
    paths = [];
    bytes = 0;
  }
  for (const file of files) {
    if (file.format === 'text' && file.size <= WHOLE_TEXT_BYTES) {
      paths.push(file.path);
      bytes += file.size;
      if (bytes >= TASK_BYTES) yield* grouped();
      continue;
    }
    yield* grouped();
    if (file.format === 'parquet') yield* rowTasks(file, field);
    else if (file.gzipped) yield* unzippedTasks(file);
    else yield* rangeTasks(file);
  }
  yield* grouped();
}

function* rangeTasks({ path, format, size }: SourceFile): Generator<Task> {
  for (let start = 0; start < size; start += TASK_BYTES) {
    const end = Math.min(size, start + TASK_BYTES);
    const range = { path, start, end, sourceBytes: end - start };
    yield format === 'text' ? { kind: 'piece', ...range, isLast: end === size } : { kind: 'lines', ...range };
  }
}

async function* rowTasks(file: SourceFile, field: string): AsyncGenerator<Task> {
  for (const { start, end, share } of await parquetRowGroups(file.path, field)) {
    yield { kind: 'rows', path: file.path, start, end, sourceBytes: share * file.size };
  }
}

/** Unzips a file and cuts it after the first line end that fills a piece, whichever way the bytes come. */
async function* unzippedTasks({ path, size }: SourceFile): AsyncGenerator<Task> {
  const zipped = createReadStream(path);
  const unzipped = zipped.pipe(createGunzip());
  zipped.on('error', (error) => unzipped.destroy(error));
  let parts: Buffer[] = [];
  let length = 0;
  let offset = 0;
  let told = 0;

  function take(last: Buffer): Task {
    const bytes = new Uint8Array(length + last.length); // a copy, which can be handed to a thread
    let filled = 0;
    for (const part of [...parts, last]) {
      bytes.set(part, filled);
      filled += part.length;
    }
    const sourceBytes = Math.min(zipped.bytesRead, size) - told;
    const task: Task = { kind: 'unzipped', path, bytes, offset, sourceBytes };
    told += sourceBytes;
    offset += bytes.length;
    parts = [];
    length = 0;
    return task;
  }

  try {
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      let rest = chunk;
      for (;;) {
        const lineEnd = rest.indexOf(NEWLINE, Math.max(0, TASK_BYTES - 1 - length));
        if (lineEnd < 0) break;
        yield take(rest.subarray(0, lineEnd + 1));
        rest = rest.subarray(lineEnd + 1);
      }
      parts.push(rest);
      length += rest.length;
      if (length > MAX_DOCUMENT_BYTES) throw tooLong(path, offset);
    }
    if (length > 0) yield take(Buffer.alloc(0));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw cause;
    throw new ShardSourceError(path, `its gzip is damaged (${message})`, { cause });
  } finally {
    zipped.destroy();
    unzipped.destroy();
  }
}

const NEWLINE = 0x0a;
