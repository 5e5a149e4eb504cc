import { Worker } from 'node:worker_threads';
import { TextFileError } from '../errors.ts';
import type { Encoded } from './encode-task.ts';
import { ShardSourceError } from './errors.ts';
import type { Task } from './tasks.ts';
import type { Answer, WorkerData } from './worker.ts';

/** Threads that encode. */
export interface EncoderThreads {
  /** @throws ShardSourceError, TextFileError; Error where a thread died */
  encode(task: Task): Promise<Encoded>;
  /** Ends the threads at once, whatever they do. */
  end(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  /** Who waits for an answer, in the order of the tasks. */
  readonly waiting: { resolve(encoded: Encoded): void; reject(error: unknown): void }[];
}

/** Starts `count` threads, each with a tokenizer of its own. A task goes to the thread that has least to do. */
export function startEncoderThreads(count: number, data: WorkerData): EncoderThreads {
  const threads = Array.from({ length: count }, () => start(data));
  return {
    encode(task) {
      const thread = threads.reduce((least, other) =>
        other.waiting.length < least.waiting.length ? other : least,
      );
      return new Promise((resolve, reject) => {
        thread.waiting.push({ resolve, reject });
        thread.worker.postMessage(task, task.kind === 'unzipped' ? [task.bytes.buffer as ArrayBuffer] : []);
      });
    },
    async end() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function start(workerData: WorkerData): Thread {
  const worker = new Worker(workerFile(), { workerData, execArgv: [] });
  const waiting: Thread['waiting'] = [];
  worker.on('message', (answer: Answer) => {
    const next = waiting.shift();
    if ('encoded' in answer) next?.resolve(answer.encoded);
    else next?.reject(errorOf(answer));
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return { worker, waiting };
}

function errorOf(answer: Exclude<Answer, { encoded: Encoded }>): unknown {
  if ('source' in answer) return new ShardSourceError(answer.source, answer.reason);
  return 'path' in answer ? new TextFileError(answer.path, answer.code, undefined) : answer.error;
}

/** Beside this file's build, or the sources with a loader for them. */
function workerFile(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('../../scripts/worker-from-sources.mjs', import.meta.url)
    : new URL('./shards/worker.js', import.meta.url);
}
