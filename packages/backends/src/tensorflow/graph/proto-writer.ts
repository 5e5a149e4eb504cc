const encoder = new TextEncoder();

/** Writes a Protocol Buffers message, field by field (https://protobuf.dev/programming-guides/encoding). */
export class ProtoWriter {
  readonly #chunks: Uint8Array[] = [];

  /** Fields of the types int32, int64, bool and enum. */
  integer(field: number, value: number | bigint | boolean): this {
    this.#chunks.push(varint(field << 3), varint(BigInt(value)));
    return this;
  }

  float(field: number, value: number): this {
    this.#chunks.push(varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#chunks.push(varint((field << 3) | 2), varint(value.length), value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** A repeated field of integers, in one piece. */
  packedIntegers(field: number, values: readonly (number | bigint)[]): this {
    return this.bytes(field, concatenate(values.map((value) => varint(BigInt(value)))));
  }

  /** One entry of a `map<string, …>`. */
  entry(field: number, key: string, value: ProtoWriter): this {
    return this.message(field, new ProtoWriter().string(1, key).message(2, value));
  }

  finish(): Uint8Array {
    return concatenate(this.#chunks);
  }
}

function varint(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && value >= 0 && value < 0x80) return Uint8Array.of(value);
  let rest = BigInt.asUintN(64, BigInt(value)); // a negative number takes ten bytes
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
