import { parentPort, workerData } from 'node:worker_threads';
import { loadTokenizer, type TokenizerJson } from '@minigpt/tokenizers';
import { TextFileError } from '../errors.ts';
import { type Encoded, type EncodeOptions, encodeTask } from './encode-task.ts';
import { ShardSourceError } from './errors.ts';
import type { Task } from './tasks.ts';

/** What a thread is started with. */
export interface WorkerData extends EncodeOptions {
  readonly tokenizer: TokenizerJson;
}

/** What a thread answers, in the order of its tasks. An error loses its class on the way, so it goes as what made it. */
export type Answer =
  | { readonly encoded: Encoded }
  | { readonly source: string; readonly reason: string }
  | { readonly path: string; readonly code: string }
  | { readonly error: unknown };

const options = workerData as WorkerData;
const tokenizer = loadTokenizer(options.tokenizer);

// Tasks are taken one after another, so that answers come in their order.
let last: Promise<unknown> = Promise.resolve();
parentPort?.on('message', (task: Task) => {
  last = last.then(() => answer(task));
});

async function answer(task: Task): Promise<void> {
  try {
    const encoded = await encodeTask(task, tokenizer, options);
    parentPort?.postMessage({ encoded } satisfies Answer, [encoded.tokens.buffer]);
  } catch (error) {
    parentPort?.postMessage(spelled(error));
  }
}

function spelled(error: unknown): Answer {
  if (error instanceof ShardSourceError) return { source: error.source, reason: error.reason };
  if (error instanceof TextFileError) return { path: error.path, code: error.code };
  return { error };
}
