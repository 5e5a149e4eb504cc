import { CheckpointError } from '../errors.ts';

/** What an index and its shards contradict each other in. */
export interface ShardFaults {
  /** Names in the index that are no files of the folder, but paths out of it. */
  readonly outsideShards: readonly string[];
  /** Shards that the index names and the folder lacks. */
  readonly missingShards: readonly string[];
  /** Tensors that are not in the shard that the index names. */
  readonly missingTensors: readonly string[];
  /** Tensors that several shards hold. */
  readonly duplicateTensors: readonly string[];
  /** Tensors of the shards that the index does not name. */
  readonly unexpectedTensors: readonly string[];
}

/** The shards of a model do not belong together; every fault is listed at once. */
export class ShardError extends CheckpointError implements ShardFaults {
  readonly outsideShards: readonly string[];
  readonly missingShards: readonly string[];
  readonly missingTensors: readonly string[];
  readonly duplicateTensors: readonly string[];
  readonly unexpectedTensors: readonly string[];

  constructor(folder: string, faults: ShardFaults) {
    const parts = Object.entries(TITLES).flatMap(([key, title]) => {
      const names = faults[key as keyof ShardFaults];
      return names.length === 0 ? [] : [`${title}: ${names.join(', ')}`];
    });
    super(
      `The shards of ${folder} must be those that its index names, but they are not (${parts.join('; ')}); ` +
        'nothing was loaded. Download the folder again.',
    );
    this.outsideShards = faults.outsideShards;
    this.missingShards = faults.missingShards;
    this.missingTensors = faults.missingTensors;
    this.duplicateTensors = faults.duplicateTensors;
    this.unexpectedTensors = faults.unexpectedTensors;
  }
}

const TITLES: Readonly<Record<keyof ShardFaults, string>> = {
  outsideShards: 'outside the folder',
  missingShards: 'missing shards',
  missingTensors: 'missing tensors',
  duplicateTensors: 'tensors in several shards',
  unexpectedTensors: 'tensors that the index does not name',
};
