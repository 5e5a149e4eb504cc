/** A value of the metadata with its type in the file; an array holds values of one type, whose `value` alone counts. */
export type TypedValue =
  | { readonly type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64'; readonly value: number }
  | { readonly type: 'u64' | 'i64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string | Uint8Array }
  | { readonly type: 'array'; readonly of: TypedValue['type']; readonly value: readonly TypedValue[] };

export interface TensorSpec {
  readonly name: string;
  /** As in the file: the innermost first. */
  readonly dims: readonly (number | bigint)[];
  readonly type: number;
  readonly data: Uint8Array;
  /** Default: behind the tensor before. */
  readonly offset?: number | bigint;
}

export interface GgufSpec {
  readonly version?: number;
  readonly metadata?: readonly (readonly [string, TypedValue])[];
  readonly tensors?: readonly TensorSpec[];
  /** What the header claims; default the truth. */
  readonly tensorCount?: bigint;
  readonly metadataCount?: bigint;
}

const NUMBERS = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
];
const ALIGNMENT = 32;

/** A GGUF file for tests, which may lie. */
export function buildGguf(spec: GgufSpec = {}): Uint8Array {
  const { version = 3, metadata = [], tensors = [] } = spec;
  const { tensorCount = BigInt(tensors.length), metadataCount = BigInt(metadata.length) } = spec;
  const out = new Writer();
  out.raw(new TextEncoder().encode('GGUF'));
  out.number('u32', version);
  out.integer(tensorCount);
  out.integer(metadataCount);
  for (const [key, value] of metadata) {
    out.string(key);
    out.number('u32', NUMBERS.indexOf(value.type));
    out.value(value);
  }
  let end = 0;
  const data: Uint8Array[] = [];
  for (const tensor of tensors) {
    out.string(tensor.name);
    out.number('u32', tensor.dims.length);
    for (const size of tensor.dims) out.integer(BigInt(size));
    out.number('u32', tensor.type);
    out.integer(BigInt(tensor.offset ?? end));
    const padded = new Uint8Array(Math.ceil(tensor.data.length / ALIGNMENT) * ALIGNMENT);
    padded.set(tensor.data);
    data.push(padded);
    end += padded.length;
  }
  out.pad();
  for (const bytes of data) out.raw(bytes);
  return out.finish();
}

/** `["a", "b"]` as the metadata spells it. */
export function strings(values: readonly string[]): TypedValue {
  return { type: 'array', of: 'string', value: values.map((value) => ({ type: 'string', value })) };
}

/** A float32 tensor, its shape row-major. */
export function floatTensor(name: string, shape: readonly number[], values: Float32Array): TensorSpec {
  return {
    name,
    dims: shape.toReversed(),
    type: 0,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

class Writer {
  private readonly bytes: number[] = [];

  raw(bytes: Iterable<number>): void {
    for (const byte of bytes) this.bytes.push(byte);
  }

  number(type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64', value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    const writers = {
      u8: () => view.setUint8(0, value),
      i8: () => view.setInt8(0, value),
      u16: () => view.setUint16(0, value, true),
      i16: () => view.setInt16(0, value, true),
      u32: () => view.setUint32(0, value, true),
      i32: () => view.setInt32(0, value, true),
      f32: () => view.setFloat32(0, value, true),
      f64: () => view.setFloat64(0, value, true),
    };
    writers[type]();
    this.raw(new Uint8Array(view.buffer, 0, Number(type.slice(1)) / 8));
  }

  integer(value: bigint): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt.asUintN(64, value), true);
    this.raw(new Uint8Array(view.buffer));
  }

  string(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    this.integer(BigInt(bytes.length));
    this.raw(bytes);
  }

  value(typed: TypedValue): void {
    switch (typed.type) {
      case 'u64':
      case 'i64':
        this.integer(typed.value);
        break;
      case 'bool':
        this.number('u8', Number(typed.value));
        break;
      case 'string':
        this.string(typed.value);
        break;
      case 'array':
        this.number('u32', NUMBERS.indexOf(typed.of));
        this.integer(BigInt(typed.value.length));
        for (const item of typed.value) this.value(item);
        break;
      default:
        this.number(typed.type, typed.value);
    }
  }

  pad(): void {
    while (this.bytes.length % ALIGNMENT !== 0) this.bytes.push(0);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}
