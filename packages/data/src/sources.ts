import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { decodeText } from './decode-text.ts';
import { DownloadError, NoFilesError } from './errors.ts';
import { readBytes } from './read-text.ts';

export interface SourcesOptions {
  /** Which files of a folder count, by the end of their name, such as `.txt`. Default: all but hidden ones. */
  readonly extensions?: readonly string[];
  /** The most bytes that are taken from an address. Default 1 GiB. */
  readonly maxDownloadBytes?: number;
}

/** Something to read from: a file, or an address. */
export interface Source {
  /** The path or address, for messages. */
  readonly name: string;
  /** @throws TextFileError, DownloadError */
  bytes(): Promise<Uint8Array>;
}

const GIBIBYTE = 2 ** 30;

/**
 * What a person means by a file, a folder (all files below it, in the order of their paths), a glob such as
 * `corpus/*.txt`, or an http(s) address, which is fetched when its bytes are asked for and not before. Links are not followed
 * out of a folder.
 *
 * @throws NoFilesError where nothing is found
 */
export async function findSources(
  where: string,
  { extensions, maxDownloadBytes = GIBIBYTE }: SourcesOptions = {},
): Promise<readonly Source[]> {
  if (/^https?:\/\//i.test(where)) return [{ name: where, bytes: () => download(where, maxDownloadBytes) }];
  return (await findFiles(where, extensions)).map(file);
}

/**
 * The paths that a file, a folder or a glob means, as {@link findSources} reads them. A path where nothing is stands for itself:
 * reading it will say what is wrong.
 *
 * @throws NoFilesError where a folder or glob has none
 */
export async function findFiles(where: string, extensions?: readonly string[]): Promise<readonly string[]> {
  const found = await stat(where).catch(() => undefined);
  if (found?.isFile()) return [where];
  const isFolder = found?.isDirectory() === true;
  if (!isFolder && !isDynamicPattern(where)) return [where];
  const names = isFolder
    ? (await glob('**/*', { cwd: where, followSymbolicLinks: false })).map((name) => join(where, name))
    : await glob(where.replaceAll(sep, '/'), { followSymbolicLinks: false, absolute: where.startsWith('/') });
  const wanted = names
    .filter((name) => extensions === undefined || extensions.some((extension) => name.endsWith(extension)))
    .sort();
  if (wanted.length === 0) throw new NoFilesError(where, isFolder ? extensions : undefined);
  return wanted;
}

/**
 * The texts of {@link findSources}, one at a time.
 *
 * Throws (from the loop) NoFilesError, TextFileError, DownloadError, TextEncodingError.
 */
export async function* readTexts(
  where: string,
  options: SourcesOptions = {},
): AsyncGenerator<{ readonly name: string; readonly text: string }> {
  for (const source of await findSources(where, options)) {
    yield { name: source.name, text: decodeText(await source.bytes(), source.name) };
  }
}

function file(name: string): Source {
  return { name, bytes: () => readBytes(name) };
}

async function download(address: string, maxBytes: number): Promise<Uint8Array> {
  const response = await fetch(address).catch((error: unknown) => {
    const { cause } = error as { cause?: { code?: string; message?: string } };
    throw new DownloadError(
      address,
      `the server cannot be reached (${cause?.code ?? cause?.message ?? error})`,
    );
  });
  if (!response.ok) throw new DownloadError(address, `the server answered ${response.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > maxBytes) {
      await reader?.cancel();
      throw new DownloadError(address, `it is longer than ${maxBytes} bytes`);
    }
    parts.push(part.value);
  }
  return Buffer.concat(parts);
}
