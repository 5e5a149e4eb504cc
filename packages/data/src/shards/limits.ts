import { ShardSourceError } from './errors.ts';

/** The longest line, and with it the longest document of JSON lines, that is held in memory. */
export const MAX_DOCUMENT_BYTES = 2 ** 26;

/** The largest column of one row group of a Parquet file, unpacked. */
export const MAX_COLUMN_BYTES = 2 ** 30;

/** A line beyond the limit. */
export function tooLong(path: string, offset: number): ShardSourceError {
  return new ShardSourceError(
    `${path}, byte ${offset}`,
    `a line may have at most ${MAX_DOCUMENT_BYTES} bytes, but there is no line end in so many; cut the file into lines`,
  );
}
