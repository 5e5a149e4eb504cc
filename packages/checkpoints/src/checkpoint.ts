import type { StateDict } from '@minigpt/core';
import type { TokenizerJson } from '@minigpt/tokenizers';
import { CheckpointFileError, SafetensorsError, TokenizerMismatchError } from './errors.ts';
import { isRecord, type JsonObject, toJson } from './json.ts';
import { readSafetensors } from './safetensors/read.ts';
import { safetensorsChunks } from './safetensors/write.ts';

/** A model on the host, with what it takes to go on training or sampling. */
export interface Checkpoint {
  /** `model.toConfig()`, as `config.json`. */
  readonly config: JsonObject;
  /** `stateDict(model)`, as `model.safetensors`. */
  readonly weights: StateDict;
  /** The optimizer's moments, as `optimizer.safetensors`. */
  readonly optimizer?: StateDict;
  /** `tokenizer.toJSON()`, as `tokenizer.json`. */
  readonly tokenizer?: TokenizerJson;
  /** Whatever training needs to go on: JSON without NaN and infinities. Kept in `training.json`. */
  readonly training?: JsonObject;
}

/** The files of a checkpoint. `training.json` marks a folder as one of ours and is written last. */
export const FILES = {
  config: 'config.json',
  weights: 'model.safetensors',
  optimizer: 'optimizer.safetensors',
  tokenizer: 'tokenizer.json',
  training: 'training.json',
} as const;

const FORMAT = 'minigpt-checkpoint';
const VERSION = 1;

/** What `training.json` holds. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** The other files of the checkpoint. */
  readonly files: readonly string[];
  /** SHA-256 of the tokenizer, lower-case hexadecimal. */
  readonly tokenizerSha256?: string;
  readonly state?: JsonObject;
}

/**
 * A checkpoint as named files, each in pieces that may be written one after another; `training.json` is the last.
 *
 * @throws SafetensorsError, CheckpointError for a tensor or number that cannot be written
 */
export async function checkpointFiles(checkpoint: Checkpoint): Promise<Map<string, readonly Uint8Array[]>> {
  const { config, weights, optimizer, tokenizer, training } = checkpoint;
  const files = new Map<string, readonly Uint8Array[]>();
  files.set(FILES.config, [jsonFile(config)]);
  files.set(FILES.weights, safetensorsChunks(weights, { format: 'pt' }));
  if (optimizer !== undefined) files.set(FILES.optimizer, safetensorsChunks(optimizer));
  if (tokenizer !== undefined) files.set(FILES.tokenizer, [jsonFile(tokenizer)]);
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    files: [...files.keys()],
    tokenizerSha256: tokenizer && (await tokenizerDigest(tokenizer)),
    state: training,
  };
  return files.set(FILES.training, [jsonFile(manifest)]);
}

/** The bytes of one file of a checkpoint, or undefined where it does not exist. */
export type ReadCheckpointFile = (file: string) => Promise<Uint8Array | undefined>;

export interface ReadCheckpointOptions {
  /** What errors call the checkpoint. */
  readonly name: string;
  /** Read the optimizer's state too; it is twice the size of the weights with AdamW. Default true. */
  readonly optimizer?: boolean;
}

/**
 * Reads a checkpoint, wherever its files are kept. A folder that `transformers` wrote is one without `training.json`.
 *
 * @throws CheckpointFileError for a file that is missing, truncated, or not what it should be
 * @throws TokenizerMismatchError where `tokenizer.json` is not the one that was saved
 */
export async function readCheckpoint(
  read: ReadCheckpointFile,
  { name, optimizer = true }: ReadCheckpointOptions,
): Promise<Checkpoint> {
  const refuse = (file: string, reason: string, cause?: unknown) =>
    new CheckpointFileError(name, file, reason, { cause });

  const readTensors = async (file: string): Promise<StateDict | undefined> => {
    const bytes = await read(file);
    try {
      return bytes && readSafetensors(bytes).tensors;
    } catch (cause) {
      throw cause instanceof SafetensorsError ? refuse(file, cause.message, cause) : cause;
    }
  };

  const manifest = await readManifest(read, name);

  /** Present, or neither listed nor always there. */
  const expectFile = <T>(file: string, value: T | undefined): T | undefined => {
    if (value === undefined && manifest?.files.includes(file)) throw missing(file);
    return value;
  };
  const missing = (file: string) => refuse(file, 'it is missing.');

  const config = await readJsonFile(read, name, FILES.config);
  if (config === undefined) throw missing(FILES.config);
  const tokenizer = expectFile(FILES.tokenizer, await readJsonFile(read, name, FILES.tokenizer)) as
    | TokenizerJson
    | undefined;
  if (manifest !== undefined && tokenizer !== undefined) await checkTokenizer(name, manifest, tokenizer);
  const weights = await readTensors(FILES.weights);
  if (weights === undefined) throw missing(FILES.weights);
  return {
    config,
    weights,
    tokenizer,
    optimizer: optimizer ? expectFile(FILES.optimizer, await readTensors(FILES.optimizer)) : undefined,
    training: manifest?.state,
  };
}

/**
 * Reads `training.json`; undefined where there is none, that is, where the folder is not of ours.
 *
 * @throws CheckpointFileError for one that is damaged or of another format
 */
export async function readManifest(read: ReadCheckpointFile, name: string): Promise<Manifest | undefined> {
  const manifest = await readJsonFile(read, name, FILES.training);
  if (manifest === undefined || isManifest(manifest)) return manifest;
  const found = `format ${JSON.stringify(manifest.format)}, version ${JSON.stringify(manifest.version)}`;
  throw new CheckpointFileError(
    name,
    FILES.training,
    `it must be of format "${FORMAT}", version ${VERSION}, but it is of ${found}.`,
  );
}

/** @throws TokenizerMismatchError where it is not the tokenizer that the manifest recorded */
export async function checkTokenizer(
  name: string,
  { tokenizerSha256 }: Manifest,
  tokenizer: TokenizerJson,
): Promise<void> {
  if (tokenizerSha256 === undefined) return;
  const digest = await tokenizerDigest(tokenizer);
  if (digest === tokenizerSha256) return;
  throw new TokenizerMismatchError(name, `SHA-256 ${tokenizerSha256}`, `SHA-256 ${digest}`);
}

async function readJsonFile(
  read: ReadCheckpointFile,
  name: string,
  file: string,
): Promise<JsonObject | undefined> {
  const bytes = await read(file);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (cause) {
    const reason = `it is no JSON in UTF-8 (${(cause as Error).message}).`;
    throw new CheckpointFileError(name, file, reason, { cause });
  }
  if (!isRecord(value)) throw new CheckpointFileError(name, file, 'it must hold a JSON object.');
  return value;
}

/** Whether these are the bytes of a whole `training.json` of ours, which is what tells our folders from others. */
export function marksCheckpoint(trainingJson: Uint8Array): boolean {
  try {
    return isManifest(parseJson(trainingJson));
  } catch {
    return false; // no JSON: half written, or not ours
  }
}

/**
 * SHA-256 of a tokenizer's JSON, white space aside: what a checkpoint records, so that a run is not resumed, nor a model
 * sampled, with another tokenizer. Browsers have the digest in secure contexts only (https and localhost).
 *
 * @returns 64 lower-case hexadecimal digits
 */
export async function tokenizerDigest(tokenizer: TokenizerJson): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(toJson(tokenizer)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function jsonFile(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${toJson(value, 2)}\n`);
}

/** @throws TypeError, SyntaxError */
function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

function isManifest(value: unknown): value is JsonObject & Manifest {
  return (
    isRecord(value) &&
    value.format === FORMAT &&
    value.version === VERSION &&
    Array.isArray(value.files) &&
    (value.state === undefined || isRecord(value.state))
  );
}
