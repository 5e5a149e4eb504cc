import { MinigptError } from '@minigpt/core';

/** Bytes that are not UTF-8. */
export class TextEncodingError extends MinigptError {
  /** What was being read: a path, or a name that the caller gave. */
  readonly source: string;
  /** Where the first malformed sequence begins. */
  readonly byteOffset: number;

  constructor(source: string, byteOffset: number, byte: number) {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    super(
      `A text must be UTF-8, but ${source} is not (byte 0x${hex} at offset ${byteOffset}); convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8.`,
    );
    this.source = source;
    this.byteOffset = byteOffset;
  }
}

/** A text file that cannot be opened or read. */
export class TextFileError extends MinigptError {
  readonly path: string;
  /** The operating system's code, such as `ENOENT`. */
  readonly code: string;

  constructor(path: string, code: string, cause: unknown) {
    super(`Cannot read the text file ${path}: ${REASONS[code] ?? code}.`, { cause });
    this.path = path;
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist; check the spelling and the folder that the command runs in',
  EISDIR: 'it is a folder; name one file in it',
  EACCES: 'permission denied; make it readable for this user',
};

/** A folder or a glob in which no file was found. */
export class NoFilesError extends MinigptError {
  /** The folder or glob, as the caller gave it. */
  readonly where: string;

  constructor(where: string, extensions: readonly string[] | undefined) {
    const kind = extensions === undefined ? '' : ` that ends in ${extensions.join(' or ')}`;
    super(`There must be files to read, but ${where} has none${kind}; name a file, or check the spelling.`);
    this.where = where;
  }
}

/** An address whose contents did not come. */
export class DownloadError extends MinigptError {
  readonly address: string;
  readonly reason: string;

  constructor(address: string, reason: string) {
    super(`Cannot fetch ${address}: ${reason}; get the file in another way and name it instead.`);
    this.address = address;
    this.reason = reason;
  }
}

/** Fewer tokens than one window needs. */
export class TooFewTokensError extends MinigptError {
  /** How many tokens came. */
  readonly tokens: number;
  /** How many are needed at least. */
  readonly required: number;

  constructor(tokens: number, required: number, purpose: string) {
    super(
      `${purpose} needs at least ${required} tokens, but only ${tokens} came; use a longer text or a smaller blockSize.`,
    );
    this.tokens = tokens;
    this.required = required;
  }
}
