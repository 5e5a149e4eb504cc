import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShardError } from './errors.ts';
import { readShardIndex } from './open-shards.ts';
import { bytesPerToken, SHARD_FILES, type Shard, type ShardIndex } from './shard-index.ts';
import { tokenizerSha256 } from './tokenizer-sha256.ts';

/** One file of a folder of shards, looked at. */
export interface VerifiedFile {
  readonly file: string;
  /** Undefined where it is as the index says. */
  readonly problem: ShardError | undefined;
}

/**
 * Reads every byte of a folder of shards and tells file by file whether it is as the index says: there, of the right length and
 * SHA-256, without ids beyond the vocabulary; and whether the tokenizer beside them is theirs.
 *
 * Throws (from the loop) ShardError where there is no index to go by.
 */
export async function* verifyShards(folder: string): AsyncGenerator<VerifiedFile, void, undefined> {
  const index = await readShardIndex(folder);
  yield await looked(SHARD_FILES.tokenizer, () => checkTokenizer(folder, index));
  for (const shard of index.shards) yield await looked(shard.file, () => checkShard(folder, shard, index));
}

async function looked(file: string, check: () => Promise<void>): Promise<VerifiedFile> {
  try {
    await check();
    return { file, problem: undefined };
  } catch (error) {
    if (error instanceof ShardError) return { file, problem: error };
    throw error;
  }
}

async function checkTokenizer(folder: string, index: ShardIndex): Promise<void> {
  const refuse = (reason: string) => new ShardError(folder, SHARD_FILES.tokenizer, reason);
  const json = await readFile(join(folder, SHARD_FILES.tokenizer), 'utf8').catch((error) => {
    throw refuse(`it cannot be read (${error.code ?? error.message})`);
  });
  let sha256: string;
  try {
    sha256 = tokenizerSha256(JSON.parse(json));
  } catch (error) {
    throw refuse(`it is not JSON (${(error as Error).message})`);
  }
  if (sha256 !== index.tokenizerSha256) throw refuse('the shards were written with another one');
}

async function checkShard(folder: string, { file, tokens, sha256 }: Shard, index: ShardIndex): Promise<void> {
  const size = bytesPerToken(index);
  const hash = createHash('sha256');
  let length = 0;
  let rest: Buffer = Buffer.alloc(0); // of an id whose other bytes come with the next chunk
  try {
    for await (const chunk of createReadStream(join(folder, file), { highWaterMark: 2 ** 20 })) {
      const counted = (chunk as Buffer).subarray(0, Math.max(0, tokens * size - length));
      hash.update(counted);
      rest = checkIds(folder, file, Buffer.concat([rest, counted]), index, (length - rest.length) / size);
      length += counted.length;
    }
  } catch (error) {
    if (error instanceof ShardError) throw error;
    throw new ShardError(
      folder,
      file,
      `it cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`,
    );
  }
  if (length < tokens * size) {
    throw new ShardError(
      folder,
      file,
      `it is truncated: it has ${length} bytes and should have ${tokens * size}`,
    );
  }
  if (hash.digest('hex') !== sha256)
    throw new ShardError(folder, file, 'its SHA-256 is not the one that was recorded');
}

/** Looks at the whole ids in some bytes; what is left over comes back. */
function checkIds(folder: string, file: string, bytes: Buffer, index: ShardIndex, first: number): Buffer {
  const size = bytesPerToken(index);
  const count = Math.floor(bytes.length / size);
  const aligned = new Uint8Array(bytes.subarray(0, count * size)).buffer;
  const ids = size === 2 ? new Uint16Array(aligned) : new Uint32Array(aligned);
  const wrong = ids.findIndex((id) => id >= index.vocabSize);
  if (wrong >= 0) {
    const reason = `token ${first + wrong} is ${ids[wrong]}, and the vocabulary has ${index.vocabSize}`;
    throw new ShardError(folder, file, reason);
  }
  return bytes.subarray(count * size);
}
