import { closeSync, openSync, readSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from '@minigpt/tokenizers';
import { ShardError } from './errors.ts';
import { bytesPerToken, parseShardIndex, SHARD_FILES, type Shard, type ShardIndex } from './shard-index.ts';
import { type ShardedTokens, shardedTokens } from './sharded-tokens.ts';
import { tokenizerSha256 } from './tokenizer-sha256.ts';

export interface OpenShardsOptions {
  /** Refuse shards that were written with another tokenizer. */
  readonly tokenizer?: Pick<Tokenizer, 'toJSON'>;
}

/** A stream of tokens on the disk, and what its index says. */
export interface OpenShards extends ShardedTokens {
  readonly index: ShardIndex;
  /** Closes the files; nothing can be read after that. */
  close(): void;
}

/**
 * Opens a folder of shards for reading: `tokens` of `batches`, `shuffledBatches` and `windows`. A window is one positioned read of
 * its bytes; what was read lately is in the system's page cache, and nothing is in memory here. A folder that is not complete
 * is read as far as its index goes.
 *
 * @throws ShardError where a file is missing, truncated or no index, or the tokenizer is another
 */
export async function openShards(folder: string, { tokenizer }: OpenShardsOptions = {}): Promise<OpenShards> {
  const index = await readShardIndex(folder);
  for (const shard of index.shards) await checkLength(folder, shard, bytesPerToken(index));
  const actual = tokenizer && tokenizerSha256(tokenizer.toJSON());
  if (actual !== undefined && actual !== index.tokenizerSha256) {
    throw new ShardError(
      folder,
      undefined,
      `their ids are those of another tokenizer (SHA-256 ${index.tokenizerSha256.slice(0, 12)}…, not ${actual.slice(0, 12)}…); take the ${SHARD_FILES.tokenizer} that lies beside them, or tokenise anew`,
    );
  }

  const descriptors = new Map<string, number>();
  function read({ file }: Shard, start: number, end: number): Uint8Array {
    let descriptor = descriptors.get(file);
    if (descriptor === undefined) {
      descriptor = openSync(join(folder, file), 'r');
      descriptors.set(file, descriptor);
    }
    const bytes = new Uint8Array(end - start);
    for (let filled = 0; filled < bytes.length; ) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
      if (count === 0) throw new ShardError(folder, file, 'it became shorter while it was read');
      filled += count;
    }
    return bytes;
  }

  return {
    ...shardedTokens(index, read),
    index,
    close() {
      for (const descriptor of descriptors.values()) closeSync(descriptor);
      descriptors.clear();
    },
  };
}

/** The index of a folder of shards. @throws ShardError */
export async function readShardIndex(folder: string): Promise<ShardIndex> {
  const json = await readFile(join(folder, SHARD_FILES.index), 'utf8').catch((cause) => {
    throw new ShardError(folder, SHARD_FILES.index, unreadable(cause), { cause });
  });
  return parseShardIndex(json, folder);
}

/** A shard may be longer than the index says while it is being written, never shorter. */
async function checkLength(folder: string, { file, tokens }: Shard, size: number): Promise<void> {
  const found = await stat(join(folder, file)).catch((cause) => {
    throw new ShardError(folder, file, unreadable(cause), { cause });
  });
  if (found.size >= tokens * size) return;
  throw new ShardError(
    folder,
    file,
    `it is truncated: ${tokens} tokens take ${tokens * size} bytes, but ${found.size} are there; copy it again, or tokenise anew`,
  );
}

function unreadable({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'it is missing; name a folder that minigpt data tokenize wrote' : message;
}
