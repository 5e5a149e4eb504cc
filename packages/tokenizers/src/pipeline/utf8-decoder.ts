import { InvalidUtf8Error } from '../errors.ts';

/**
 * Decodes UTF-8 that comes in parts. A bad sequence is an error, or U+FFFD: one for each maximal part of a character as
 * the WHATWG and Rust have it, or one for each byte as SentencePiece has it.
 */
export class Utf8Decoder {
  #pending: number[] = [];
  #consumed = 0;

  constructor(
    private readonly errors: 'replace' | 'strict',
    private readonly unit: 'maximal-subpart' | 'each-byte',
  ) {}

  /** The characters that are complete. @throws InvalidUtf8Error */
  push(bytes: Uint8Array): string {
    let text = '';
    for (const byte of bytes) {
      while (this.#pending.length > 0 && !isPrefix([...this.#pending, byte])) text += this.#giveUp();
      if (this.#pending.length === 0 && !isPrefix([byte])) {
        this.#pending.push(byte);
        text += this.#giveUp();
        continue;
      }
      this.#pending.push(byte);
      if (this.#pending.length === lengthOf(this.#pending[0]!)) text += this.#complete();
    }
    return text;
  }

  /** What is left: an incomplete character. @throws InvalidUtf8Error */
  flush(): string {
    let text = '';
    while (this.#pending.length > 0) text += this.#giveUp();
    return text;
  }

  #complete(): string {
    const [first, ...rest] = this.#pending;
    const bits = [0, 0x7f, 0x1f, 0x0f, 0x07][this.#pending.length]!;
    this.#consumed += this.#pending.length;
    this.#pending = [];
    return String.fromCodePoint(rest.reduce((point, byte) => (point << 6) | (byte & 0x3f), first! & bits));
  }

  #giveUp(): string {
    if (this.errors === 'strict') throw new InvalidUtf8Error(this.#consumed);
    const bad = this.#pending.length;
    this.#consumed += bad;
    this.#pending = [];
    return '\ufffd'.repeat(this.unit === 'each-byte' ? bad : 1);
  }
}

function lengthOf(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/** Whether some character's UTF-8 begins with these bytes (Unicode, table 3-7). */
function isPrefix(bytes: readonly number[]): boolean {
  const [first, second] = bytes;
  const length = lengthOf(first!);
  if (length < bytes.length) return false;
  if (second === undefined) return true;
  if (bytes.some((byte, i) => i > 0 && (byte < 0x80 || byte > 0xbf))) return false;
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  return first !== 0xf4 || second < 0x90;
}
