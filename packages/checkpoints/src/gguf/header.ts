import { elementCount } from '../source/lazy-state-dict.ts';
import { Cursor } from './cursor.ts';
import { GgufError } from './errors.ts';
import { type GgmlType, ggmlType } from './ggml-types.ts';
import { type GgufValue, readValue } from './metadata.ts';

/** Where one tensor lies, and how its values are stored. */
export interface GgufTensor {
  /** Row-major; the file has the sizes in reverse order. */
  readonly shape: readonly number[];
  readonly type: GgmlType;
  /** From the beginning of the file. */
  readonly begin: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly version: 2 | 3;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 'GGUF';
const DEFAULT_ALIGNMENT = 32;
/** ggml's GGML_MAX_DIMS. */
const MAX_DIMENSIONS = 4;
const MAX_BYTES_PER_ELEMENT = 8;
/** Key, type and value; name, dimensions, type and offset: each with at least this many bytes. */
const MIN_ENTRY_BYTES = 8 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

/**
 * Parses a GGUF header (https://github.com/ggml-org/ggml, docs/gguf.md) and holds it against the length of the file: each
 * tensor lies within the file, and no two share a byte.
 *
 * @param prefix the first bytes of the file.
 * @throws PrefixTooShort where the header goes on behind `prefix`
 * @throws GgufError naming the rule, and the tensor or key
 */
export function parseGgufHeader(prefix: Uint8Array, fileBytes: number): GgufHeader {
  const cursor = new Cursor(prefix, fileBytes);
  const version = readVersion(cursor);
  const tensorCount = cursor.count('tensors', MIN_TENSOR_BYTES);
  const metadata = readMetadata(cursor, cursor.count('metadata entries', MIN_ENTRY_BYTES));
  const alignment = readAlignment(metadata);
  const infos = Array.from({ length: tensorCount }, () => readTensorInfo(cursor));
  const dataBegin = Math.ceil(cursor.position / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, type, offset } of infos) {
    if (tensors.has(name)) throw new GgufError('tensor name', 'the header names it twice.', { tensor: name });
    const bytes = (elementCount(shape) / type.blockSize) * type.blockBytes;
    const begin = dataBegin + offset;
    if (offset % alignment !== 0) {
      throw new GgufError('offset', `it begins at ${offset}, which is no multiple of ${alignment}.`, {
        tensor: name,
      });
    }
    if (begin + bytes > fileBytes) {
      throw new GgufError(
        'offset',
        `its ${bytes} bytes at ${begin} end behind the file, which has ${fileBytes}; it is truncated or it lies.`,
        { tensor: name },
      );
    }
    tensors.set(name, { shape, type, begin, bytes });
  }
  checkApart(tensors);
  return { version, metadata, tensors };
}

function readVersion(cursor: Cursor): 2 | 3 {
  const magic = String.fromCharCode(...cursor.bytes(MAGIC.length));
  if (magic !== MAGIC) {
    throw new GgufError(
      'magic',
      `A GGUF file begins with "${MAGIC}", but this one with ${JSON.stringify(magic)}.`,
    );
  }
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  const found = version & 0xffff ? `it has version ${version}` : 'it is big-endian';
  throw new GgufError(
    'version',
    `Little-endian GGUF of version 2 and 3 is read, but ${found}; convert it again.`,
  );
}

function readMetadata(cursor: Cursor, count: number): Record<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string();
    if (metadata.has(key)) throw new GgufError('metadata key', 'the header has it twice.', { key });
    metadata.set(
      key,
      naming(key, () => readValue(cursor)),
    );
  }
  return Object.fromEntries(metadata);
}

function readAlignment(metadata: Record<string, GgufValue>): number {
  const key = 'general.alignment';
  const alignment = metadata[key] ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && Number.isInteger(Math.log2(alignment)) && alignment < 2 ** 31) {
    return alignment;
  }
  throw new GgufError('alignment', `it must be a power of two, but it is ${alignment}.`, { key });
}

interface TensorRecord {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: GgmlType;
  readonly offset: number;
}

function readTensorInfo(cursor: Cursor): TensorRecord {
  const name = cursor.string();
  const fail = (rule: 'shape' | 'offset' | 'tensor type', message: string) =>
    new GgufError(rule, message, { tensor: name });
  const dimensions = cursor.u32();
  if (dimensions > MAX_DIMENSIONS) {
    throw fail('shape', `it may have ${MAX_DIMENSIONS} dimensions, but it has ${dimensions}.`);
  }
  const shape: number[] = [];
  let elements = 1;
  for (let i = 0; i < dimensions; i++) {
    const size = Number(cursor.u64());
    elements *= size;
    if (!Number.isSafeInteger(size) || !Number.isSafeInteger(elements * MAX_BYTES_PER_ELEMENT)) {
      throw fail('shape', `it has too many elements: ${[...shape, size].join(' × ')}.`);
    }
    shape.unshift(size);
  }
  const type = ggmlType(cursor.u32(), name);
  const rowLength = shape.at(-1) ?? 1;
  if (rowLength % type.blockSize !== 0) {
    throw fail(
      'shape',
      `${type.name} is stored in blocks of ${type.blockSize}, but its rows have ${rowLength} elements.`,
    );
  }
  const offset = cursor.u64();
  if (typeof offset !== 'number') throw fail('offset', `its offset ${offset} lies behind any file.`);
  return { name, shape, type, offset };
}

function checkApart(tensors: ReadonlyMap<string, GgufTensor>): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.bytes - b.bytes);
  let covered = 0;
  let before = '';
  for (const [tensor, { begin, bytes }] of sorted) {
    if (begin < covered) {
      throw new GgufError(
        'overlap',
        `it begins at ${begin}, within ${JSON.stringify(before)}, which ends at ${covered}.`,
        { tensor },
      );
    }
    covered = begin + bytes;
    before = tensor;
  }
}

/** Runs `work` so that an error in it says which key it was reading. */
function naming<T>(key: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof GgufError && error.key === undefined
      ? new GgufError(error.rule, error.message, { key, cause: error.cause })
      : error;
  }
}
