import { GgufError } from './errors.ts';

/** The part of a header that is in memory ended too early: read at least `neededBytes` of the file and parse again. */
export class PrefixTooShort extends Error {
  constructor(readonly neededBytes: number) {
    super(`The header goes on to byte ${neededBytes} at least.`);
  }
}

/** Reads little-endian values from the beginning of a file, one after another. */
export class Cursor {
  position = 0;
  private readonly view: DataView;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /**
   * @param prefix the first bytes of the file.
   * @param fileBytes the length of the whole file.
   */
  constructor(
    private readonly prefix: Uint8Array,
    private readonly fileBytes: number,
  ) {
    this.view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  }

  /**
   * Moves past `length` bytes and returns where they begin.
   *
   * @throws GgufError where the file ends before, PrefixTooShort where only the prefix does
   */
  private advance(length: number): number {
    const begin = this.position;
    const end = begin + length;
    if (end > this.fileBytes) {
      throw new GgufError(
        'truncated',
        `The header goes on to byte ${end} at least, but the file has ${this.fileBytes}; it is truncated or it lies.`,
      );
    }
    if (end > this.prefix.length) throw new PrefixTooShort(end);
    this.position = end;
    return begin;
  }

  bytes(length: number): Uint8Array {
    const begin = this.advance(length);
    return this.prefix.subarray(begin, begin + length);
  }

  u8 = () => this.view.getUint8(this.advance(1));
  i8 = () => this.view.getInt8(this.advance(1));
  u16 = () => this.view.getUint16(this.advance(2), true);
  i16 = () => this.view.getInt16(this.advance(2), true);
  u32 = () => this.view.getUint32(this.advance(4), true);
  i32 = () => this.view.getInt32(this.advance(4), true);
  f32 = () => this.view.getFloat32(this.advance(4), true);
  f64 = () => this.view.getFloat64(this.advance(8), true);
  u64 = () => narrow(this.view.getBigUint64(this.advance(8), true));
  i64 = () => narrow(this.view.getBigInt64(this.advance(8), true));

  bool(): boolean {
    const byte = this.u8();
    if (byte <= 1) return byte === 1;
    throw new GgufError('metadata value', `A BOOL is 0 or 1, but ${byte} came at byte ${this.position - 1}.`);
  }

  /**
   * The number of things that follow.
   *
   * @param bytesEach the fewest bytes that one of them takes: a count that the file has no room for is a lie.
   */
  count(things: string, bytesEach: number): number {
    const count = this.u64();
    const room = Math.floor((this.fileBytes - this.position) / bytesEach);
    if (count <= room) return Number(count);
    throw new GgufError(
      'count',
      `The file claims ${count} ${things} at byte ${this.position - 8}, but has room for ${room}; it is truncated or it lies.`,
    );
  }

  string(): string {
    const length = this.count('bytes of a string', 1);
    const bytes = this.bytes(length);
    try {
      return this.utf8.decode(bytes);
    } catch (cause) {
      throw new GgufError(
        'string',
        `A string must be UTF-8, but the ${length} bytes at ${this.position - length} are not.`,
        { cause },
      );
    }
  }
}

/** A number where it is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
