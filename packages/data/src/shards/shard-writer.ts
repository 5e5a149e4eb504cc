import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Encoded } from './encode-task.ts';
import { ShardError } from './errors.ts';
import {
  bytesPerToken,
  SHARD_FILES,
  type Shard,
  type ShardIndex,
  shardIndexJson,
  shardName,
} from './shard-index.ts';

/** The shard that is being written. */
interface OpenShard {
  readonly file: string;
  readonly handle: FileHandle;
  /** Of what is written so far; a copy of it gives the digest. */
  readonly hash: Hash;
  tokens: number;
  documents: number;
}

/**
 * Writes a stream of tokens into shards of a fixed length. What the index on the disk says is always true: it is replaced after
 * the tokens that it counts were written, and who goes on drops what lies behind them.
 */
export class ShardWriter {
  readonly #folder: string;
  readonly #shardTokens: number;
  #index: ShardIndex;
  /** Shards that are full. */
  readonly #full: Shard[];
  #open: OpenShard | undefined;

  private constructor(folder: string, shardTokens: number, index: ShardIndex) {
    this.#folder = folder;
    this.#shardTokens = shardTokens;
    this.#index = index;
    this.#full = [...index.shards];
  }

  /**
   * Goes on behind what `index` counts, in a folder that exists.
   *
   * @throws ShardError where the last shard is not what the index says
   */
  static async after(index: ShardIndex, folder: string, shardTokens: number): Promise<ShardWriter> {
    const writer = new ShardWriter(folder, shardTokens, index);
    await writer.#dropUncounted();
    const last = index.shards.at(-1);
    if (last !== undefined && last.tokens < shardTokens) {
      writer.#full.pop();
      writer.#open = await reopen(folder, last, last.tokens * bytesPerToken(index));
    }
    return writer;
  }

  /** What is on the disk for certain. */
  get index(): ShardIndex {
    return this.#index;
  }

  /** Tokens in all, those included that no index counts yet. */
  get tokens(): number {
    return this.#full.length * this.#shardTokens + (this.#open?.tokens ?? 0);
  }

  /** Full shards. */
  get shards(): number {
    return this.#full.length;
  }

  /** Writes the tokens of a task behind the others. */
  async write({ tokens, documentEnds }: Pick<Encoded, 'tokens' | 'documentEnds'>): Promise<void> {
    let counted = 0; // documents
    for (let start = 0; start < tokens.length; ) {
      this.#open ??= await create(this.#folder, this.#full.length);
      const end = Math.min(tokens.length, start + this.#shardTokens - this.#open.tokens);
      const part = tokens.subarray(start, end);
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      await writeAll(this.#open.handle, bytes, this.#open.tokens * bytesPerToken(this.#index));
      this.#open.hash.update(bytes);
      this.#open.tokens += part.length;
      while (counted < documentEnds.length && documentEnds[counted] <= end) {
        this.#open.documents++;
        counted++;
      }
      if (this.#open.tokens === this.#shardTokens) await this.#close();
      start = end;
    }
  }

  /** Writes the index for what has been written so far. */
  async commit(state: Pick<ShardIndex, 'bytes' | 'skipped' | 'complete' | 'progress'>): Promise<void> {
    await this.#open?.handle.datasync();
    const shards = this.#open === undefined ? this.#full : [...this.#full, described(this.#open)];
    const sum = (field: 'tokens' | 'documents') => shards.reduce((total, shard) => total + shard[field], 0);
    const index = {
      ...this.#index,
      ...state,
      tokens: sum('tokens'),
      documents: sum('documents'),
      shards: [...shards],
    };
    await replace(join(this.#folder, SHARD_FILES.index), shardIndexJson(index));
    this.#index = index;
  }

  /** Closes the file that is open; what no index counts is dropped by whoever goes on. */
  async end(): Promise<void> {
    await this.#open?.handle.close();
    this.#open = undefined;
  }

  async #close(): Promise<void> {
    const shard = this.#open as OpenShard;
    await shard.handle.datasync();
    await shard.handle.close();
    this.#full.push(described(shard));
    this.#open = undefined;
  }

  /** Removes shards that were begun after the index was written. */
  async #dropUncounted(): Promise<void> {
    const counted = new Set(this.#index.shards.map(({ file }) => file));
    for (const name of await readdir(this.#folder)) {
      if (/^shard-\d+\.bin$/.test(name) && !counted.has(name)) await rm(join(this.#folder, name));
    }
  }
}

function described({ file, tokens, documents, hash }: OpenShard): Shard {
  return { file, tokens, documents, sha256: hash.copy().digest('hex') };
}

async function create(folder: string, number: number): Promise<OpenShard> {
  const file = shardName(number);
  const handle = await open(join(folder, file), 'w');
  return { file, handle, hash: createHash('sha256'), tokens: 0, documents: 0 };
}

/** Opens a shard behind its first `length` bytes, and drops the rest. */
async function reopen(
  folder: string,
  { file, tokens, documents, sha256 }: Shard,
  length: number,
): Promise<OpenShard> {
  const path = join(folder, file);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ShardError(folder, file, 'it is missing; tokenise into another folder');
  const hash = createHash('sha256');
  if (length > 0) for await (const bytes of createReadStream(path, { end: length - 1 })) hash.update(bytes);
  if (hash.copy().digest('hex') !== sha256) {
    throw new ShardError(folder, file, 'it is not as its index says; tokenise into another folder');
  }
  const handle = await open(path, 'r+');
  await handle.truncate(length);
  return { file, handle, hash, tokens, documents };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Writes a file beside its place and renames it, so that it is whole at any moment. */
export async function replace(path: string, contents: string): Promise<void> {
  const beside = `${path}.new`;
  try {
    await writeFile(beside, contents, { flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
