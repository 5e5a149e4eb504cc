import type { TokenSequence } from '../token-sequence.ts';
import { bytesPerToken, type Shard, type ShardIndex } from './shard-index.ts';

/** A stream of tokens that lies in shards; what is asked for is read, nothing else. */
export interface ShardedTokens extends TokenSequence {
  subarray(start: number, end: number): Uint16Array | Uint32Array;
  /** The tokens of [start, end) as a stream of its own, of which nothing is read yet. */
  part(start: number, end: number): ShardedTokens;
}

/**
 * Reads the bytes of [start, end) of a shard, all of them, at once: `batch` of a training run does not wait. Node has
 * `openShards` for it. In a worker of a browser it is `FileReaderSync` on a slice of a `File`, or a synchronous request for a range.
 */
export type ReadShard = (shard: Shard, start: number, end: number) => Uint8Array;

/** The shards of an index as one stream of tokens, as `windows`, `batches` and `shuffledBatches` take it. */
export function shardedTokens(index: ShardIndex, read: ReadShard): ShardedTokens {
  const size = bytesPerToken(index);
  const Ids = index.dtype === 'uint16' ? Uint16Array : Uint32Array;
  const ends: number[] = []; // how many tokens there are up to the end of each shard
  for (const { tokens } of index.shards) ends.push((ends.at(-1) ?? 0) + tokens);

  function subarray(start: number, end: number): Uint16Array | Uint32Array {
    const ids = new Ids(Math.max(0, end - start));
    const bytes = new Uint8Array(ids.buffer);
    for (let filled = 0, at = shardAt(ends, start); filled < ids.length; at++) {
      const shard = index.shards[at];
      const first = start + filled - (ends[at] - shard.tokens);
      const count = Math.min(shard.tokens - first, ids.length - filled);
      bytes.set(read(shard, first * size, (first + count) * size), filled * size);
      filled += count;
    }
    return ids;
  }

  return part(subarray, 0, index.tokens);
}

/** The tokens of [from, to) of what `read` reads. */
function part(read: ShardedTokens['subarray'], from: number, to: number): ShardedTokens {
  const length = Math.max(0, to - from);
  const within = (position: number) => from + Math.min(Math.max(0, position), length);
  return {
    length,
    subarray: (start, end) => read(within(start), within(end)),
    part: (start, end) => part(read, within(start), within(end)),
  };
}

/** The first shard that ends after `position`, by bisection. */
function shardAt(ends: readonly number[], position: number): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
