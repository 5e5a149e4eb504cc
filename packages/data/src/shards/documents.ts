import { readFileSync } from 'node:fs';
import { decodeText } from '../decode-text.ts';
import { TextEncodingError, TextFileError } from '../errors.ts';
import { ShardSourceError } from './errors.ts';
import { MAX_DOCUMENT_BYTES } from './limits.ts';
import { readColumn } from './parquet.ts';
import { readLines, readPiece } from './read-range.ts';
import type { Task } from './tasks.ts';

/** A document, a piece of one, or what there is instead of one. */
export type Found =
  | { readonly source: string; readonly text: string; readonly bytes: number; readonly endsDocument: boolean }
  | { readonly problem: ShardSourceError };

/**
 * The documents of a task, in order; what is not UTF-8 or has no text comes as a problem, so that the caller may leave it out.
 *
 * Throws (from the loop) ShardSourceError, TextFileError where a file as a whole cannot be read.
 *
 * @param field the field of JSON lines, or the column of Parquet, that holds the text
 */
export async function* documentsOf(task: Task, field: string): AsyncGenerator<Found> {
  switch (task.kind) {
    case 'files':
      for (const path of task.paths) yield decoded(path, readWhole(path), true);
      break;
    case 'piece': {
      const { bytes, offset } = readPiece(task.path, task.start, task.end);
      yield decoded(`${task.path}, byte ${offset}`, bytes, task.isLast);
      break;
    }
    case 'lines': {
      const { bytes, offset } = readLines(task.path, task.start, task.end);
      yield* lineDocuments(bytes, task.path, offset, field);
      break;
    }
    case 'unzipped':
      yield* lineDocuments(task.bytes, task.path, task.offset, field);
      break;
    case 'rows': {
      const column = await readColumn(task.path, field, task.start, task.end);
      for (const [i, value] of column.entries())
        yield rowDocument(value, `${task.path}, row ${task.start + i}`, field);
    }
  }
}

function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TextFileError(path, (error as NodeJS.ErrnoException).code ?? String(error), error);
  }
}

function decoded(source: string, bytes: Uint8Array, endsDocument: boolean): Found {
  try {
    return { source, text: decodeText(bytes, source), bytes: bytes.length, endsDocument };
  } catch (cause) {
    if (!(cause instanceof TextEncodingError)) throw cause;
    return {
      problem: new ShardSourceError(source, `it is not UTF-8 (offset ${cause.byteOffset})`, { cause }),
    };
  }
}

const NEWLINE = 0x0a;

/** A document a line; blank lines are none. */
function* lineDocuments(bytes: Uint8Array, path: string, offset: number, field: string): Generator<Found> {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    const source = `${path}, the line at byte ${offset + start}`;
    if (end - start > MAX_DOCUMENT_BYTES)
      throw new ShardSourceError(source, `it has more than ${MAX_DOCUMENT_BYTES} bytes`);
    const line = decoded(source, bytes.subarray(start, end), true);
    if ('problem' in line) yield line;
    else if (line.text.trim() !== '') yield lineDocument(line.text, source, field);
    start = end + 1;
  }
}

function lineDocument(line: string, source: string, field: string): Found {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    return {
      problem: new ShardSourceError(source, `it is not JSON (${(cause as Error).message})`, { cause }),
    };
  }
  const text = (value as Record<string, unknown> | null)?.[field];
  if (typeof text === 'string') return { source, text, bytes: Buffer.byteLength(text), endsDocument: true };
  if (text !== undefined) {
    const kind = text === null ? 'null' : typeof text;
    return { problem: new ShardSourceError(source, `its "${field}" is no text but ${kind}`) };
  }
  const fields = typeof value === 'object' ? Object.keys(value ?? {}).join(', ') : typeof value;
  const reason = `it has no text "${field}" but ${fields || 'nothing'}; name the field with texts`;
  return { problem: new ShardSourceError(source, reason) };
}

function rowDocument(value: unknown, source: string, field: string): Found {
  if (value instanceof Uint8Array) return decoded(source, value, true);
  return {
    problem: new ShardSourceError(
      source,
      `its column "${field}" holds no text but ${value === null ? 'nothing' : typeof value}`,
    ),
  };
}
