import { documentsOf } from './documents.ts';
import { type SourceFilesOptions, sourceFiles } from './source-files.ts';
import { tasksOf } from './tasks.ts';

export interface ReadDocumentsOptions extends SourceFilesOptions {
  /** The field of JSON lines, or the column of Parquet, that holds the text. Default `content`. */
  readonly field?: string;
  /** Leave out documents that are not UTF-8 or have no text, instead of throwing. Default false. */
  readonly skipInvalid?: boolean;
}

/**
 * The documents that `writeShards` tokenises, one at a time and in the same order: whole texts, lines of JSON lines, gzipped
 * too, rows of Parquet. A text of more than 16 MiB comes in pieces, which join to the text.
 *
 * Throws (from the loop) NoFilesError, TextFileError, ShardSourceError.
 */
export async function* readDocuments(
  sources: readonly string[],
  { field = 'content', skipInvalid = false, ...options }: ReadDocumentsOptions = {},
): AsyncGenerator<{ readonly name: string; readonly text: string }> {
  for await (const task of tasksOf(await sourceFiles(sources, options), field)) {
    for await (const found of documentsOf(task, field)) {
      if (!('problem' in found)) yield { name: found.source, text: found.text };
      else if (!skipInvalid) throw found.problem;
    }
  }
}
