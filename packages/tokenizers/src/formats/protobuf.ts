import { TokenizerFormatError } from '../errors.ts';

/** One field of a protobuf message: a number (varint, fixed) or bytes (string, bytes, embedded message). */
export interface ProtobufField {
  readonly number: number;
  /** Of wire types varint (as an unsigned number, exact up to 2^53) and fixed32 (as a float). */
  readonly value: number;
  /** Of the length-delimited wire type; a view, not a copy. Empty for the others. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * The fields of one protobuf message, in order (protobuf.dev, "Encoding"). Reads nothing past the end of `bytes`;
 * fields of wire type fixed64 have value 0, as no format here uses them.
 * @throws TokenizerFormatError, naming `format`
 */
export function* protobufFields(bytes: Uint8Array, format: string): Generator<ProtobufField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const fail = (reason: string): never => {
    throw new TokenizerFormatError(format, `${reason} at byte ${at} of ${bytes.length}.`);
  };
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      if (at >= bytes.length) fail('it ends within a number');
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return fail('a number is longer than ten bytes');
  };
  const skip = (length: number): number => {
    const start = at;
    if (length > bytes.length - at) fail(`a field of ${length} bytes runs past the end`);
    at += length;
    return start;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number < 1 || number > 0x1fffffff) fail(`field number ${number} does not exist`);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint(), bytes: NOTHING };
        break;
      case 1:
        skip(8);
        yield { number, value: 0, bytes: NOTHING };
        break;
      case 2: {
        const length = varint();
        const start = skip(length);
        yield { number, value: 0, bytes: bytes.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { number, value: view.getFloat32(skip(4), true), bytes: NOTHING };
        break;
      default:
        fail(`wire type ${tag % 8} does not exist`);
    }
  }
}
