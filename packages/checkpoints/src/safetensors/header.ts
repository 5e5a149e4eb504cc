import { SafetensorsError, type SafetensorsRule } from '../errors.ts';
import { isRecord } from '../json.ts';
import { DTYPE_NAMES, dtypeOf, isSafetensorsDtype, type SafetensorsDtype } from './dtypes.ts';

/** The bytes before the header: its length, an unsigned 64-bit integer. */
export const LENGTH_BYTES = 8;

export interface SafetensorsLimits {
  /** The longest header that is parsed. Default 100,000,000 bytes, as in the Rust reader. */
  readonly maxHeaderBytes?: number;
}

/** Where one tensor lies; offsets count from the end of the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The length of the header, from the first 8 bytes of a file.
 *
 * @param prefix at least the first 8 bytes, or the whole file where it is shorter.
 * @param fileBytes the length of the whole file.
 * @throws SafetensorsError
 */
export function headerLength(
  prefix: Uint8Array,
  fileBytes: number,
  { maxHeaderBytes = 100_000_000 }: SafetensorsLimits = {},
): number {
  if (fileBytes < LENGTH_BYTES) {
    throw new SafetensorsError(
      'header length',
      `A safetensors file begins with an 8-byte length, but the file has ${fileBytes} bytes; it is empty or truncated.`,
    );
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    throw new SafetensorsError(
      'header length',
      `The header may have at most ${maxHeaderBytes} bytes, but it claims ${length}; this is no safetensors file.`,
    );
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw new SafetensorsError(
      'header length',
      `The header claims ${length} bytes, but only ${fileBytes - LENGTH_BYTES} follow; the file is truncated.`,
    );
  }
  return Number(length);
}

/**
 * Parses a header and holds it against the length of the data: every byte of the data belongs to exactly one tensor.
 *
 * @param bytes the header alone.
 * @param dataBytes how many bytes follow it in the file.
 * @throws SafetensorsError naming the tensor and the rule.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  const { __metadata__: metadata = {}, ...tensors } = parseJson(bytes);
  const entries = Object.entries(tensors).map(([name, entry]) => parseEntry(name, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes);
  return { entries, metadata: parseMetadata(metadata) };
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError(
      'header JSON',
      `The header must be JSON in UTF-8, but it is not (${(cause as Error).message}); this is no safetensors file.`,
      undefined,
      { cause },
    );
  }
  if (!isRecord(header) || !text.startsWith('{')) {
    throw new SafetensorsError('header JSON', 'The header must be a JSON object that begins with "{".');
  }
  checkKeysUnique(text);
  return header;
}

/** `JSON.parse` keeps the last of several equal keys in silence; `json` is known to be valid. */
function checkKeysUnique(json: string): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) {
        const isTensor = open.length === 1;
        throw new SafetensorsError(
          'unique names',
          isTensor
            ? 'the header names it twice.'
            : `The header has the key ${show(key)} twice in one object.`,
          isTensor ? key : undefined,
        );
      }
      keys.add(key);
    }
  }
}

function parseMetadata(metadata: unknown): Record<string, string> {
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new SafetensorsError('metadata', '__metadata__ must be an object whose values are strings.');
  }
  return metadata as Record<string, string>;
}

function parseEntry(name: string, entry: unknown): TensorEntry {
  const fail = (rule: SafetensorsRule, message: string) => new SafetensorsError(rule, message, name);
  checkName(name);
  if (!isRecord(entry)) throw fail('tensor entry', 'its entry must be an object.');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isSafetensorsDtype(dtype)) {
    throw fail('dtype', `its dtype must be one of ${DTYPE_NAMES.join(', ')}, but it is ${show(dtype)}.`);
  }
  if (!isCounts(shape)) {
    throw fail('shape', `its shape must be a list of counts, but it is ${show(shape)}.`);
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw fail('data offsets', `its data_offsets must be [begin, end], but they are ${show(offsets)}.`);
  }
  const bytes = byteCount(name, dtype, shape);
  const [begin, end] = offsets;
  if (end - begin !== bytes) {
    throw fail(
      'data offsets',
      `${dtype} of shape [${shape}] takes ${bytes} bytes, but its data_offsets [${begin}, ${end}] span ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Bytes of a tensor, every product on the way a safe integer. */
function byteCount(name: string, dtype: SafetensorsDtype, shape: readonly number[]): number {
  let bytes = dtypeOf(dtype).bytesPerElement;
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) {
      throw new SafetensorsError('shape', `its shape [${shape}] has too many elements.`, name);
    }
  }
  return bytes;
}

/** Sorted by offset, each tensor must begin where the one before it ends, and the last end with the file. */
function checkCoverage(entries: readonly TensorEntry[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const fault =
        begin < covered ? 'overlaps the tensor before it, which ends' : 'leaves a hole after the data';
      throw new SafetensorsError('no holes', `it begins at ${begin} and ${fault} at ${covered}.`, name);
    }
    if (end > dataBytes) {
      throw new SafetensorsError(
        'data offsets',
        `it ends at ${end}, but the file has ${dataBytes} bytes of data; the file is truncated or its header lies.`,
        name,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw new SafetensorsError(
      'no holes',
      `The tensors end at ${covered}, but the file has ${dataBytes} bytes of data, some of which belong to none.`,
    );
  }
}

/** A name must survive UTF-8, and must not be the one that the format keeps for metadata. */
export function checkName(name: string): void {
  if (/\p{Surrogate}/u.test(name)) {
    throw new SafetensorsError('tensor name', 'a name may hold no half of a surrogate pair.', name);
  }
  if (name === '__metadata__') {
    throw new SafetensorsError('tensor name', 'this name is kept for the metadata of the file.', name);
  }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
