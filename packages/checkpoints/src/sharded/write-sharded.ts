import { toJson } from '../json.ts';
import { bytesOf, checkTensor, layOut } from '../safetensors/write.ts';
import { elementCount, type LazyStateDict, type TensorInfo } from '../source/lazy-state-dict.ts';
import { INDEX_FILE } from './open-sharded.ts';

/** The largest shard that is written unless told otherwise: 5 GB, as transformers 4 did. */
const MAX_SHARD_BYTES = 5e9;

type Infos = ReadonlyMap<string, TensorInfo>;

/** F32 and I32. */
const BYTES_PER_ELEMENT = 4;

/**
 * Weights as `model.safetensors`, or above `maxShardBytes` as `model-00001-of-0000N.safetensors` … with their index, in pieces
 * that are written one after another: each tensor is read when its turn comes. A tensor that is larger has a shard of its own.
 */
export function weightFiles(
  weights: LazyStateDict,
  maxShardBytes = MAX_SHARD_BYTES,
): Map<string, AsyncIterable<Uint8Array>> {
  const shards = planShards(weights.tensors, maxShardBytes);
  if (shards.length <= 1) return new Map([['model.safetensors', shardChunks(weights, weights.tensors)]]);
  const number = (n: number) => String(n).padStart(5, '0');
  const files = new Map<string, AsyncIterable<Uint8Array>>();
  const shardOf: [string, string][] = [];
  let totalBytes = 0;
  for (const [i, shard] of shards.entries()) {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    files.set(file, shardChunks(weights, shard));
    for (const [name, info] of shard) {
      shardOf.push([name, file]);
      totalBytes += bytesToWrite(info);
    }
  }
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(shardOf.sort()) };
  return files.set(INDEX_FILE, once(new TextEncoder().encode(`${toJson(index, 2)}\n`)));
}

/** Fills one shard after another, in the order of the tensors. */
function planShards(tensors: Infos, maxShardBytes: number): Infos[] {
  const shards: Map<string, TensorInfo>[] = [];
  let room = 0;
  for (const [name, info] of tensors) {
    const bytes = bytesToWrite(info);
    if (shards.length === 0 || bytes > room) {
      shards.push(new Map());
      room = maxShardBytes;
    }
    room -= bytes;
    shards[shards.length - 1].set(name, info);
  }
  return shards;
}

async function* shardChunks(weights: LazyStateDict, tensors: Infos): AsyncGenerator<Uint8Array> {
  const { header, names } = layOut(tensors, { format: 'pt' });
  yield header;
  for (const name of names) {
    const tensor = await weights.read(name);
    checkTensor(name, tensor);
    yield bytesOf(tensor.data);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function bytesToWrite({ shape }: TensorInfo): number {
  return BYTES_PER_ELEMENT * elementCount(shape);
}
