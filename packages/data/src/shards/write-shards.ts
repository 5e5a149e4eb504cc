import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@minigpt/core';
import type { Tokenizer } from '@minigpt/tokenizers';
import { checkPositive } from '../check-positive.ts';
import { type Encoded, type EncodeOptions, encodeTask } from './encode-task.ts';
import { type EncoderThreads, startEncoderThreads } from './encoder-threads.ts';
import { DEFAULT_END_OF_TEXT } from './end-of-text.ts';
import { ShardError, ShardWriteError } from './errors.ts';
import { bytesPerToken, parseShardIndex, SHARD_FILES, type ShardIndex } from './shard-index.ts';
import { replace, ShardWriter } from './shard-writer.ts';
import { type SourceFile, type SourceFilesOptions, sourceFiles } from './source-files.ts';
import { type Task, tasksOf } from './tasks.ts';
import { tokenizerSha256 } from './tokenizer-sha256.ts';

export interface WriteShardsOptions extends SourceFilesOptions {
  /** Files, folders or globs. Texts are one document each; JSON lines (`.jsonl`, `.json.gz`, …) and Parquet have one a line or row. */
  readonly sources: readonly string[];
  /** Every thread gets a copy of it, made of its JSON. */
  readonly tokenizer: Tokenizer;
  /** The folder that gets the shards: a new one, an empty one, or one in which the same call was stopped. */
  readonly out: string;
  /** The token that follows each document, by content or id. Default: `<|endoftext|>`, or what else published tokenizers call it. */
  readonly endOfText?: string | number;
  /** The field of JSON lines, or the column of Parquet, that holds the text. Default `content`. */
  readonly field?: string;
  /** Bytes a shard. Default 100,000,000. */
  readonly shardBytes?: number;
  /** Threads that encode; 0 encodes on the calling one. Default: as many as the machine runs at once. */
  readonly workers?: number;
  /** Leave out documents that are not UTF-8 or have no text, and tell of each, instead of throwing. Default false. */
  readonly skipInvalid?: boolean;
  /** Stops after what is under way; the same call goes on from there. */
  readonly signal?: AbortSignal;
}

/** What has been done of all work, a run before included. */
export interface ShardProgressEvent {
  readonly type: 'progress';
  /** Bytes of the source files, as they lie on the disk. */
  readonly sourceBytes: number;
  readonly sourceBytesInAll: number;
  readonly documents: number;
  readonly tokens: number;
  /** Full shards. */
  readonly shards: number;
}

export type ShardEvent =
  /** Before the first document. `tokens` were there already, from a call that was stopped. */
  | {
      readonly type: 'started';
      readonly files: number;
      readonly sourceBytes: number;
      readonly workers: number;
      readonly tokens: number;
    }
  | ShardProgressEvent
  /** A document was left out. */
  | { readonly type: 'skipped'; readonly source: string; readonly reason: string }
  | { readonly type: 'finished'; readonly index: ShardIndex };

/** How long tokens of a shard that is not full may wait for being counted in the index: what is encoded again after a kill. */
const COMMIT_MILLISECONDS = 1000;

/**
 * Tokenises files into shards, on several threads, and tells of it as it goes. Shards are one stream of ids, document after
 * document with an end-of-text id behind each, cut every `shardBytes`; `index.json` says what there is, `tokenizer.json` is the
 * tokenizer. Memory holds a few pieces of about a megabyte for each thread, however large the files are.
 *
 * After a stop, a kill or a full disk the folder can be read as far as it goes, and the same call goes on. The bytes are those of
 * a run that was never stopped, for any number of threads. After an abort there is no `finished` event.
 *
 * Throws (from the loop) NoFilesError, TextFileError, ShardSourceError for what cannot be read; ShardWriteError where the file
 * system refuses; ShardError where the folder holds something else; ConfigError.
 */
export async function* writeShards(options: WriteShardsOptions): AsyncGenerator<ShardEvent, void, undefined> {
  const { sources, tokenizer, out, field = 'content', shardBytes = 100_000_000, signal } = options;
  const { workers = availableParallelism(), skipInvalid = false } = options;
  checkPositive({ shardBytes });
  if (!Number.isSafeInteger(workers) || workers < 0) {
    throw new ConfigError('workers', `workers must be an integer that is not negative, but ${workers} came.`);
  }
  const { vocabSize } = tokenizer;
  const dtype = vocabSize <= 2 ** 16 ? 'uint16' : 'uint32';
  const encoding: EncodeOptions = {
    dtype,
    endOfText: endOfTextId(tokenizer, options.endOfText),
    field,
    skipInvalid,
  };
  const shardTokens = Math.max(1, Math.floor(shardBytes / bytesPerToken(encoding)));
  const files = await sourceFiles(sources, options);

  const json = tokenizer.toJSON();
  const fresh: ShardIndex = {
    dtype,
    vocabSize,
    endOfText: encoding.endOfText,
    tokenizerSha256: tokenizerSha256(json),
    tokens: 0,
    documents: 0,
    bytes: 0,
    skipped: 0,
    shards: [],
    complete: false,
    progress: { plan: '', tasks: 0 },
  };
  const plan = planSha256(files, { ...encoding, tokenizer: fresh.tokenizerSha256, shardTokens });
  const begun = { ...fresh, progress: { plan, tasks: 0 } };

  const done = await writing(out, 0, async () => {
    await mkdir(out, { recursive: true });
    return indexToGoOnWith(out, begun);
  });
  const sourceBytesInAll = files.reduce((sum, { size }) => sum + size, 0);
  yield {
    type: 'started',
    files: files.length,
    sourceBytes: sourceBytesInAll,
    workers,
    tokens: done.tokens,
  };
  if (done.complete) {
    yield { type: 'finished', index: done };
    return;
  }

  const writer = await writing(out, done.tokens, async () => {
    await replace(join(out, SHARD_FILES.tokenizer), `${JSON.stringify(json)}\n`);
    return ShardWriter.after(done, out, shardTokens);
  });
  const threads =
    workers === 0
      ? encoderHere(tokenizer, encoding)
      : startEncoderThreads(workers, { tokenizer: json, ...encoding });
  let { bytes, skipped, documents } = done;
  let { tasks } = done.progress;
  let sourceBytes = 0;
  const commit = (complete: boolean) =>
    writer.commit({ bytes, skipped, complete, progress: { plan, tasks } });
  try {
    const pieces = encodeInOrder(tasksOf(files, field), tasks, 4 * workers + 1, threads.encode);
    let committed = { at: performance.now(), shards: writer.shards };
    for await (const { task, encoded } of pieces) {
      sourceBytes += task.sourceBytes;
      if (encoded === undefined) continue; // done by the run before
      await writing(out, writer.index.tokens, async () => {
        await writer.write(encoded);
        bytes += encoded.bytes;
        skipped += encoded.skipped.length;
        documents += encoded.documentEnds.length;
        tasks++;
        const isDue =
          writer.shards > committed.shards || performance.now() - committed.at >= COMMIT_MILLISECONDS;
        if (!isDue) return;
        await commit(false);
        committed = { at: performance.now(), shards: writer.shards };
      });
      for (const left of encoded.skipped) yield { type: 'skipped', ...left };
      const { tokens, shards } = writer;
      yield {
        type: 'progress',
        sourceBytes: Math.round(sourceBytes),
        sourceBytesInAll,
        documents,
        tokens,
        shards,
      };
      if (signal?.aborted) break;
    }
    await writing(out, writer.index.tokens, () => commit(signal?.aborted !== true));
  } finally {
    await threads.end();
    await writer.end();
  }
  if (writer.index.complete) yield { type: 'finished', index: writer.index };
}

/** No thread but this one. */
function encoderHere(tokenizer: Tokenizer, options: EncodeOptions): EncoderThreads {
  return { encode: (task) => encodeTask(task, tokenizer, options), end: async () => {} };
}

interface Piece {
  readonly task: Task;
  /** Undefined for the first ones, which were done before. */
  readonly encoded: Encoded | undefined;
}

/** Encodes tasks, `ahead` of them at once, and gives their tokens in the tasks' order. */
async function* encodeInOrder(
  tasks: AsyncIterable<Task>,
  done: number,
  ahead: number,
  encode: (task: Task) => Promise<Encoded>,
): AsyncGenerator<Piece> {
  const waiting: Promise<Piece>[] = [];
  let seen = 0;
  for await (const task of tasks) {
    if (seen++ < done) {
      yield { task, encoded: undefined };
      continue;
    }
    const piece = encode(task).then((encoded) => ({ task, encoded }));
    piece.catch(() => {}); // it is thrown when its turn comes
    waiting.push(piece);
    if (waiting.length >= ahead) yield (await waiting.shift()) as Piece;
  }
  for (const piece of waiting) yield await piece;
}

/**
 * The index in a folder, or a fresh one where there is nothing yet.
 *
 * @throws ShardError where the folder holds other shards, or anything else
 */
async function indexToGoOnWith(folder: string, begun: ShardIndex): Promise<ShardIndex> {
  const names = (await readdir(folder)).filter(
    (name) => name !== SHARD_FILES.tokenizer && !name.endsWith('.new'),
  );
  if (!names.includes(SHARD_FILES.index)) {
    if (names.every((name) => /^shard-\d+\.bin$/.test(name))) return begun; // nothing, or killed before the first index
    throw new ShardError(folder, undefined, 'the folder holds something else; name an empty or a new one');
  }
  const index = parseShardIndex(await readFile(join(folder, SHARD_FILES.index), 'utf8'), folder);
  if (index.progress.plan === begun.progress.plan) return index;
  const what = index.complete ? 'they are complete, and' : 'they were begun';
  throw new ShardError(
    folder,
    undefined,
    `${what} from other files or with other settings; name another folder, or remove this one`,
  );
}

/** What a run may go on with: the same files, as far as name, size and time tell, and the same settings. */
function planSha256(files: readonly SourceFile[], settings: object): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of files) hash.update(JSON.stringify(file));
  return hash.digest('hex');
}

/** @throws ConfigError where the tokenizer has no such token */
function endOfTextId(tokenizer: Tokenizer, given: string | number | undefined): number {
  if (typeof given === 'number') {
    if (Number.isSafeInteger(given) && given >= 0 && given < tokenizer.vocabSize) return given;
    throw new ConfigError(
      'endOfText',
      `The end-of-text id must lie in 0…${tokenizer.vocabSize - 1}, but ${given} came.`,
    );
  }
  const candidates = given === undefined ? DEFAULT_END_OF_TEXT : [given];
  for (const token of candidates) {
    const id = tokenizer.tokenToId(token);
    if (id !== undefined) return id;
  }
  throw new ConfigError(
    'endOfText',
    `A token must stand between documents, but the tokenizer has no ${candidates.join(' and no ')}; name one of its tokens, or train it with that special token.`,
  );
}

/** Runs `work` so that what the file system refuses becomes a ShardWriteError. */
async function writing<T>(folder: string, tokens: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refused = error instanceof Error && 'syscall' in error;
    throw refused ? new ShardWriteError(folder, tokens, error as NodeJS.ErrnoException) : error;
  }
}
