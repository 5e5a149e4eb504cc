import type { ByteSource } from '../source/byte-source.ts';

/** The contents of a file, whatever its name: one blob is downloaded once. */
export interface HubBlob {
  /** SHA-256 of a large file, git's SHA-1 of a small one, both lower-case hexadecimal; or what the server calls it. */
  readonly id: string;
  /** In bytes. */
  readonly size: number;
}

/** A blob that is not whole yet. */
export interface PartialBlob {
  /** How many bytes are there. */
  readonly bytes: number;
  /** What is there, from the beginning. */
  read(): AsyncIterable<Uint8Array>;
  append(chunk: Uint8Array): Promise<void>;
  /** Throws away what is there. */
  clear(): Promise<void>;
  /** Makes it whole. */
  finish(): Promise<void>;
  /** Leaves it as it is, for another time. */
  suspend(): Promise<void>;
}

/** Where downloads are kept: a folder, or a browser's storage. */
export interface HubStore {
  /** The commit that a revision was when it was last asked for. */
  commitOf(repository: string, revision: string): Promise<string | undefined>;
  setCommit(repository: string, revision: string, commit: string): Promise<void>;
  /** The files of a commit that are there whole. */
  list(repository: string, commit: string): Promise<string[]>;
  /** One of them. */
  open(repository: string, commit: string, file: string): Promise<ByteSource | undefined>;
  /** Gives a blob that is there whole its name in a commit. @returns whether it is there */
  link(repository: string, commit: string, file: string, blob: HubBlob): Promise<boolean>;
  /** Begins a blob, or goes on with one. @throws where there is no room for it */
  begin(repository: string, blob: HubBlob): Promise<PartialBlob>;
}

/** A running hash. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown;
  /** Lower-case hexadecimal. */
  hex(): string;
}

export type CreateHash = (algorithm: 'sha256' | 'sha1') => RunningHash;
