import { toJson } from '../json.ts';
import type { WeightDtype } from '../safetensors/narrow.ts';
import { bytesToWrite, encodeTensor, layOut } from '../safetensors/write.ts';
import type { LazyStateDict, TensorInfo } from '../source/lazy-state-dict.ts';
import { INDEX_FILE } from './open-sharded.ts';

type Infos = ReadonlyMap<string, TensorInfo>;

export interface WeightFileOptions {
  /** Weights above this are written as shards with an index. Default 5 GB, as transformers 4 did. */
  readonly maxShardBytes?: number;
  /** What floating-point weights are rounded to. Default `float32`. */
  readonly dtype?: WeightDtype;
}

/**
 * Weights as `model.safetensors`, or above `maxShardBytes` as `model-00001-of-0000N.safetensors` … with their index, in pieces
 * that are written one after another: each tensor is read when its turn comes. A tensor that is larger has a shard of its own.
 */
export function weightFiles(
  weights: LazyStateDict,
  { maxShardBytes = 5e9, dtype = 'float32' }: WeightFileOptions = {},
): Map<string, AsyncIterable<Uint8Array>> {
  const shards = planShards(weights.tensors, maxShardBytes, dtype);
  if (shards.length <= 1)
    return new Map([['model.safetensors', shardChunks(weights, weights.tensors, dtype)]]);
  const number = (n: number) => String(n).padStart(5, '0');
  const files = new Map<string, AsyncIterable<Uint8Array>>();
  const shardOf: [string, string][] = [];
  let totalBytes = 0;
  for (const [i, shard] of shards.entries()) {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    files.set(file, shardChunks(weights, shard, dtype));
    for (const [name, info] of shard) {
      shardOf.push([name, file]);
      totalBytes += bytesToWrite(info, dtype);
    }
  }
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(shardOf.sort()) };
  return files.set(INDEX_FILE, once(new TextEncoder().encode(`${toJson(index, 2)}\n`)));
}

/** Fills one shard after another, in the order of the tensors. */
function planShards(tensors: Infos, maxShardBytes: number, dtype: WeightDtype): Infos[] {
  const shards: Map<string, TensorInfo>[] = [];
  let room = 0;
  for (const [name, info] of tensors) {
    const bytes = bytesToWrite(info, dtype);
    if (shards.length === 0 || bytes > room) {
      shards.push(new Map());
      room = maxShardBytes;
    }
    room -= bytes;
    shards[shards.length - 1].set(name, info);
  }
  return shards;
}

async function* shardChunks(
  weights: LazyStateDict,
  tensors: Infos,
  dtype: WeightDtype,
): AsyncGenerator<Uint8Array> {
  const { header, names } = layOut(tensors, { format: 'pt' }, dtype);
  yield header;
  for (const name of names) yield encodeTensor(name, await weights.read(name), dtype);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
