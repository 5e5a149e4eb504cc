import { stat } from 'node:fs/promises';
import { TextFileError } from '../errors.ts';
import { findFiles } from '../sources.ts';
import { ShardSourceError } from './errors.ts';

/** How documents lie in a file: it is one, or there is one a line, or one a row. */
export type SourceFormat = 'text' | 'jsonl' | 'parquet';

/** A file of documents. */
export interface SourceFile {
  readonly path: string;
  readonly format: SourceFormat;
  readonly gzipped: boolean;
  /** Bytes on the disk. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export interface SourceFilesOptions {
  /** Which files of a folder count, by the end of their name. Default: all but hidden ones. */
  readonly extensions?: readonly string[];
  /** What all files are, whatever they are called. Default: by their names. */
  readonly format?: SourceFormat;
}

/** JSON lines by their name; codeparrot-clean calls them `.json.gz`. A `.json` alone is a text like any other. */
const JSON_LINES = /\.(jsonl|ndjson)(\.gz)?$|\.json\.gz$/i;

/**
 * The files that a person means, in the order of their names within each of `where`.
 *
 * @throws NoFilesError, TextFileError; ShardSourceError for an address, and for gzipped files that are not JSON lines
 */
export async function sourceFiles(
  where: readonly string[],
  { extensions, format }: SourceFilesOptions,
): Promise<readonly SourceFile[]> {
  const address = where.find((name) => /^https?:\/\//i.test(name));
  if (address !== undefined) {
    throw new ShardSourceError(
      address,
      'shards are written from files, which can be read again after a stop; download it first',
    );
  }
  const files: SourceFile[] = [];
  for (const name of where) {
    for (const path of await findFiles(name, extensions)) files.push(await sourceFile(path, format));
  }
  return files;
}

async function sourceFile(path: string, format: SourceFormat = formatOf(path)): Promise<SourceFile> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new TextFileError(path, error.code ?? String(error), error);
  });
  const gzipped = path.endsWith('.gz');
  if (gzipped && format !== 'jsonl') {
    throw new ShardSourceError(
      path,
      'only JSON lines may be gzipped; unzip it, or say that it is of format jsonl',
    );
  }
  return { path, format, gzipped, size: found.size, modified: Math.trunc(found.mtimeMs) };
}

function formatOf(path: string): SourceFormat {
  if (JSON_LINES.test(path)) return 'jsonl';
  return /\.parquet$/i.test(path) ? 'parquet' : 'text';
}
