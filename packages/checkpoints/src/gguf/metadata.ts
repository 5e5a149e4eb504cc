import type { Cursor } from './cursor.ts';
import { GgufError } from './errors.ts';

/**
 * A value of the metadata. 64-bit integers beyond ±(2⁵³ − 1) are bigints. Arrays of other numbers are typed arrays
 * (INT8 an `Int8Array`, FLOAT64 a `Float64Array`).
 */
export type GgufValue = number | bigint | boolean | string | GgufArray;

export type GgufArray =
  | readonly GgufValue[]
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Arrays within arrays, at most; a file of 12 bytes a level could otherwise exhaust the stack. */
const MAX_ARRAY_DEPTH = 8;

interface NumberArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): Exclude<GgufArray, readonly GgufValue[]>;
}

interface ValueType {
  /** The fewest bytes that one value takes. */
  readonly minBytes: number;
  read(cursor: Cursor, depth: number): GgufValue;
  /** What an array of them is read into at once; others are read one by one. */
  readonly Elements?: NumberArrayConstructor;
}

/** By the number of the type in the file. */
const VALUE_TYPES: readonly ValueType[] = [
  { minBytes: 1, read: (cursor) => cursor.u8(), Elements: Uint8Array },
  { minBytes: 1, read: (cursor) => cursor.i8(), Elements: Int8Array },
  { minBytes: 2, read: (cursor) => cursor.u16(), Elements: Uint16Array },
  { minBytes: 2, read: (cursor) => cursor.i16(), Elements: Int16Array },
  { minBytes: 4, read: (cursor) => cursor.u32(), Elements: Uint32Array },
  { minBytes: 4, read: (cursor) => cursor.i32(), Elements: Int32Array },
  { minBytes: 4, read: (cursor) => cursor.f32(), Elements: Float32Array },
  { minBytes: 1, read: (cursor) => cursor.bool() },
  { minBytes: 8, read: (cursor) => cursor.string() },
  { minBytes: 12, read: readArray },
  { minBytes: 8, read: (cursor) => cursor.u64() },
  { minBytes: 8, read: (cursor) => cursor.i64() },
  { minBytes: 8, read: (cursor) => cursor.f64(), Elements: Float64Array },
];

/** One value behind the number of its type. */
export function readValue(cursor: Cursor): GgufValue {
  return readType(cursor).read(cursor, 0);
}

function readType(cursor: Cursor): ValueType {
  const number = cursor.u32();
  const type = VALUE_TYPES[number];
  if (type !== undefined) return type;
  throw new GgufError(
    'metadata type',
    `A value's type must be 0…${VALUE_TYPES.length - 1}, but ${number} came at byte ${cursor.position - 4}.`,
  );
}

function readArray(cursor: Cursor, depth: number): GgufArray {
  if (depth >= MAX_ARRAY_DEPTH) {
    throw new GgufError(
      'array depth',
      `Arrays may be nested ${MAX_ARRAY_DEPTH} deep, but this one is deeper.`,
    );
  }
  const { Elements, minBytes, read } = readType(cursor);
  const count = cursor.count('elements of an array', minBytes);
  if (Elements !== undefined) {
    return new Elements(Uint8Array.from(cursor.bytes(count * Elements.BYTES_PER_ELEMENT)).buffer);
  }
  const values: GgufValue[] = [];
  for (let i = 0; i < count; i++) values.push(read(cursor, depth + 1));
  return values;
}
