import { CheckpointError } from '../errors.ts';

/** Bytes of known length that are read at any place: a file, a `Blob`, a URL, memory. */
export interface ByteSource {
  /** What errors call it: a path, URL or file name. */
  readonly name: string;
  /** Its length in bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset` on. They may be a view of the source's own memory: do not write to them.
   *
   * @throws SourceError where the bytes do not lie within the source, or no longer come
   */
  readAt(offset: number, length: number): Promise<Uint8Array>;
  /** Gives back the file handle, where there is one. Nothing is read afterwards. */
  close(): Promise<void>;
}

/** Which rule of random access was broken. */
export type SourceRule = 'range' | 'length' | 'range requests' | 'unchanged' | 'reachable';

/** Bytes could not be read from where they should be. */
export class SourceError extends CheckpointError {
  /** The name of the source. */
  readonly source: string;
  readonly rule: SourceRule;
  /** What the server answered, where it was one. */
  readonly status: number | undefined;

  constructor(
    source: string,
    rule: SourceRule,
    reason: string,
    { status, cause }: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(`${source} cannot be read: ${reason}`, { cause });
    this.source = source;
    this.rule = rule;
    this.status = status;
  }
}

/** @throws SourceError where `offset` and `length` do not lie within the source */
export function checkRange({ name, size }: ByteSource, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && length <= size - offset) return;
  throw new SourceError(name, 'range', `${length} bytes at ${offset} do not lie within its ${size} bytes.`);
}

/** @throws SourceError where fewer or more bytes came than were asked for */
export function checkLength(name: string, offset: number, length: number, came: number): void {
  if (came === length) return;
  throw new SourceError(
    name,
    'length',
    `${length} bytes were asked for at ${offset}, but ${came} came; it was cut off or changed meanwhile.`,
  );
}
