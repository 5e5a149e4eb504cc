import type { FileMetaData } from 'hyparquet';
import { ShardSourceError } from './errors.ts';
import { MAX_COLUMN_BYTES } from './limits.ts';

/** A row group: a part of the file that is packed by itself. */
export interface RowGroupRange {
  readonly start: number;
  readonly end: number;
  /** Of the file's rows, in [0, 1]. */
  readonly share: number;
}

/**
 * The row groups of a Parquet file, out of its footer.
 *
 * @throws ShardSourceError where it is not Parquet, lacks the column, or a row group is beyond the limit
 */
export async function parquetRowGroups(path: string, field: string): Promise<readonly RowGroupRange[]> {
  const { metadata } = await open(path);
  const rows = Number(metadata.num_rows);
  let start = 0;
  return metadata.row_groups.map((group) => {
    const columns = new Map(
      group.columns.map(({ meta_data: column }) => [column?.path_in_schema.join('.'), column]),
    );
    const column = columns.get(field);
    if (column === undefined) {
      throw new ShardSourceError(
        path,
        `it has no column "${field}" but ${[...columns.keys()].join(', ')}; name the one with texts as the field`,
      );
    }
    if (Number(column.total_uncompressed_size) > MAX_COLUMN_BYTES) {
      throw new ShardSourceError(
        path,
        `the column of a row group may have at most ${MAX_COLUMN_BYTES} bytes, but one has ${column.total_uncompressed_size}; write it with smaller row groups`,
      );
    }
    const end = start + Number(group.num_rows);
    const range = { start, end, share: (end - start) / rows };
    start = end;
    return range;
  });
}

/**
 * One column of some rows: the bytes of strings, and whatever stands where there is none.
 *
 * @throws ShardSourceError where the file is damaged, or packed in a way that needs a package which is absent
 */
export async function readColumn(
  path: string,
  field: string,
  start: number,
  end: number,
): Promise<unknown[]> {
  const { file, metadata, hyparquet } = await open(path);
  const rows = await hyparquet
    .parquetReadObjects({
      file,
      metadata,
      columns: [field],
      rowStart: start,
      rowEnd: end,
      compressors: await compressorsFor(path, metadata),
      utf8: true,
      parsers: { stringFromBytes: (bytes: Uint8Array) => bytes },
    })
    .catch((cause: Error) => {
      throw new ShardSourceError(
        `${path}, rows ${start} to ${end}`,
        `its Parquet is damaged (${cause.message})`,
        { cause },
      );
    });
  return rows.map((row) => row[field]);
}

async function open(path: string) {
  const hyparquet = await optional(path, 'hyparquet', () => import('hyparquet'));
  const file = await hyparquet.asyncBufferFromFile(path);
  const metadata = await hyparquet.parquetMetadataAsync(file).catch((cause: Error) => {
    throw new ShardSourceError(path, `it is not Parquet (${cause.message})`, { cause });
  });
  return { hyparquet, file, metadata };
}

/** What unpacks a file: hyparquet knows Snappy, the codec of most files, by itself. */
async function compressorsFor(path: string, { row_groups }: FileMetaData) {
  const own = ['UNCOMPRESSED', 'SNAPPY'];
  const codecs = row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data: column }) => column?.codec ?? own[0]),
  );
  if (codecs.every((codec) => own.includes(codec))) return undefined;
  return (await optional(path, 'hyparquet-compressors', () => import('hyparquet-compressors'))).compressors;
}

async function optional<T>(path: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ShardSourceError(path, `reading it takes the npm package ${name}; npm install ${name}`, {
      cause,
    });
  }
}
