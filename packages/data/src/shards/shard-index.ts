import { ShardError } from './errors.ts';

/** One file of tokens: ids as little-endian integers, nothing before and nothing after. */
export interface Shard {
  /** The name of the file in the folder, `shard-00000.bin`. */
  readonly file: string;
  readonly tokens: number;
  /** Documents that end in this shard. */
  readonly documents: number;
  /** Of the ids' bytes, lower-case hexadecimal. */
  readonly sha256: string;
}

/** What `index.json` says about a folder of shards, which hold one stream of tokens, document after document. */
export interface ShardIndex {
  /** How an id is stored: `uint16` up to a vocabulary of 65,536, else `uint32`; little-endian. */
  readonly dtype: 'uint16' | 'uint32';
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** The id that follows each document. */
  readonly endOfText: number;
  /** SHA-256 of the tokenizer's JSON, as in the `training.json` of a checkpoint. */
  readonly tokenizerSha256: string;
  readonly tokens: number;
  readonly documents: number;
  /** Bytes of the documents' texts in UTF-8. */
  readonly bytes: number;
  /** Documents that were left out, since they could not be read. */
  readonly skipped: number;
  readonly shards: readonly Shard[];
  /** Whether all documents are in; until then the same call goes on. */
  readonly complete: boolean;
  /** What is being tokenised, and how far it has come: a run goes on only with the same. */
  readonly progress: ShardProgress;
}

export interface ShardProgress {
  /** SHA-256 of the list of files (name, size, time of change) and of the settings. */
  readonly plan: string;
  /** Pieces of work whose tokens are written. */
  readonly tasks: number;
}

/** The files of a folder of shards beside the shards themselves. */
export const SHARD_FILES = { index: 'index.json', tokenizer: 'tokenizer.json' } as const;

const FORMAT = 'minigpt-shards';
const VERSION = 1;
const SHARD_NAME = /^shard-\d{5,9}\.bin$/;
const MAX_SHARDS = 1_000_000;

export function shardName(number: number): string {
  return `shard-${String(number).padStart(5, '0')}.bin`;
}

/** Bytes that an id takes. */
export function bytesPerToken({ dtype }: Pick<ShardIndex, 'dtype'>): 2 | 4 {
  return dtype === 'uint16' ? 2 : 4;
}

export function shardIndexJson(index: ShardIndex): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...index }, null, 2)}\n`;
}

/**
 * Reads an `index.json`. Whatever it says is checked, so that no file outside the folder is named and all sums are right.
 *
 * @param folder names the folder in messages
 * @throws ShardError
 */
export function parseShardIndex(json: string, folder: string): ShardIndex {
  const refuse = (reason: string, cause?: unknown) =>
    new ShardError(folder, SHARD_FILES.index, reason, { cause });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw refuse(`it is not JSON (${(cause as Error).message})`, cause);
  }
  const given = value as Partial<ShardIndex> & { readonly format?: unknown; readonly version?: unknown };
  if (typeof value !== 'object' || value === null || given.format !== FORMAT || given.version !== VERSION) {
    throw refuse(`it must be of format "${FORMAT}", version ${VERSION}`);
  }
  const wrong = Object.entries(FIELDS).find(
    ([field, holds]) => !holds((value as Record<string, unknown>)[field]),
  );
  if (wrong !== undefined) throw refuse(`its field "${wrong[0]}" is missing or impossible`);
  const { format: _, version: __, ...fields } = given;
  const index = fields as ShardIndex;
  const sum = (field: 'tokens' | 'documents') =>
    index.shards.reduce((total, shard) => total + shard[field], 0);
  if (sum('tokens') !== index.tokens || sum('documents') !== index.documents) {
    throw refuse('its totals are not the sums over its shards');
  }
  return index;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isSha256 = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** What each field of an index must be. */
const FIELDS: Readonly<Record<keyof ShardIndex, (value: unknown) => boolean>> = {
  dtype: (value) => value === 'uint16' || value === 'uint32',
  vocabSize: isCount,
  endOfText: isCount,
  tokenizerSha256: isSha256,
  tokens: isCount,
  documents: isCount,
  bytes: isCount,
  skipped: isCount,
  shards: (value) =>
    Array.isArray(value) && value.length <= MAX_SHARDS && value.every((shard, i) => isShard(shard, i)),
  complete: (value) => typeof value === 'boolean',
  progress: (value) => {
    const { plan, tasks } = (value ?? {}) as Partial<ShardProgress>;
    return isSha256(plan) && isCount(tasks);
  },
};

function isShard(value: unknown, number: number): boolean {
  const { file, tokens, documents, sha256 } = (value ?? {}) as Partial<Shard>;
  const named = typeof file === 'string' && SHARD_NAME.test(file) && file === shardName(number);
  return named && isCount(tokens) && isCount(documents) && isSha256(sha256);
}
