import { CheckpointFileError, SafetensorsError } from '../errors.ts';
import { isRecord } from '../json.ts';
import { readWhole, type SourceFolder } from '../source/folder.ts';
import { type LazyStateDict, type TensorInfo, TensorNotFoundError } from '../source/lazy-state-dict.ts';
import { ShardError } from './errors.ts';
import { type LazySafetensors, openSafetensors } from './open-safetensors.ts';

/** The file that says which shard holds which tensor. */
export const INDEX_FILE = 'model.safetensors.index.json';

/**
 * Opens the shards that `model.safetensors.index.json` names (transformers, "Sharded checkpoints"): their headers are read and
 * held against the index; tensors are read when they are asked for.
 *
 * @returns undefined where the folder has no index
 * @throws ShardError with every shard that is missing or outside the folder, and every tensor that is missing, doubled or unexpected
 * @throws CheckpointFileError for an index or a shard that is broken
 */
export async function openSharded(folder: SourceFolder): Promise<LazyStateDict | undefined> {
  const index = await readWhole(folder, INDEX_FILE);
  if (index === undefined) return undefined;
  const shardOf = parseIndex(index, folder.name);
  const files = [...new Set(shardOf.values())];
  const inside = files.filter(isPlainName);
  const shards = new Map<string, LazySafetensors>();
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  try {
    for (const file of inside) {
      const shard = await openShard(folder, file);
      if (shard !== undefined) shards.set(file, shard);
    }
    const holders = new Map<string, string[]>();
    for (const [file, { tensors }] of shards) {
      for (const name of tensors.keys()) holders.set(name, [...(holders.get(name) ?? []), file]);
    }
    const faults = {
      outsideShards: files.filter((file) => !isPlainName(file)),
      missingShards: inside.filter((file) => !shards.has(file)),
      missingTensors: [...shardOf].flatMap(([name, file]) => {
        const shard = shards.get(file);
        return shard === undefined || shard.tensors.has(name) ? [] : [name];
      }),
      duplicateTensors: [...holders].flatMap(([name, { length }]) => (length > 1 ? [name] : [])),
      unexpectedTensors: [...holders.keys()].filter((name) => !shardOf.has(name)),
    };
    if (Object.values(faults).some(({ length }) => length > 0)) throw new ShardError(folder.name, faults);
  } catch (error) {
    await close();
    throw error;
  }
  const tensors = new Map<string, TensorInfo>();
  for (const shard of shards.values()) for (const [name, info] of shard.tensors) tensors.set(name, info);
  return {
    tensors,
    async read(name) {
      const shard = shards.get(shardOf.get(name) ?? '');
      if (shard === undefined) throw new TensorNotFoundError(name, folder.name);
      return shard.read(name);
    },
    close,
  };
}

/** The weights of a folder: `model.safetensors`, or its shards. @returns undefined where there are neither */
export async function openWeights(folder: SourceFolder, file: string): Promise<LazyStateDict | undefined> {
  return (await openShard(folder, file)) ?? (await openSharded(folder));
}

async function openShard(folder: SourceFolder, file: string): Promise<LazySafetensors | undefined> {
  const source = await folder.open(file);
  if (source === undefined) return undefined;
  try {
    return await openSafetensors(source);
  } catch (cause) {
    await source.close();
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw new CheckpointFileError(folder.name, file, cause.message, { cause });
  }
}

/** A name that cannot lead out of the folder, on any system. */
function isPlainName(file: string): boolean {
  return file !== '' && file !== '.' && file !== '..' && !/[/\\:\0]/.test(file);
}

function parseIndex(bytes: Uint8Array, folder: string): Map<string, string> {
  const refuse = (reason: string, cause?: unknown) =>
    new CheckpointFileError(folder, INDEX_FILE, reason, { cause });
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse(`it is no JSON in UTF-8 (${(cause as Error).message}).`, cause);
  }
  const map = isRecord(index) ? index.weight_map : undefined;
  if (!isRecord(map)) throw refuse('it must have a "weight_map" from tensors to shards.');
  return new Map(
    Object.entries(map).map(([name, file]) => {
      if (typeof file !== 'string') throw refuse(`the shard of ${JSON.stringify(name)} must be a file name.`);
      return [name, file];
    }),
  );
}
