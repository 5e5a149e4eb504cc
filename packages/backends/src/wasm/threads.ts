import { nodeModule } from './features.ts';

/** What a thread is given: the kernels, the memory, where on it the threads meet, and which one it is. */
interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly sync: number;
  readonly thread: number;
}

const serve = 'new WebAssembly.Instance(module, { env: { memory } }).exports.serve(sync, thread);';
const inNode = `import { workerData } from 'node:worker_threads';
const { module, memory, sync, thread } = workerData;
${serve}`;
const inBrowser = `onmessage = ({ data: { module, memory, sync, thread } }) => ${serve}`;

/** Starts a thread that helps with every list of commands. It never ends; a process may end without it. */
export function startThread(data: ThreadData): void {
  const threads = nodeModule<typeof import('node:worker_threads')>('node:worker_threads');
  if (threads === undefined) {
    const url = URL.createObjectURL(new Blob([inBrowser], { type: 'text/javascript' }));
    new Worker(url).postMessage(data);
    return;
  }
  const url = new URL(`data:text/javascript,${encodeURIComponent(inNode)}`);
  // Without the flags of this process, such as a loader for TypeScript.
  new threads.Worker(url, { workerData: data, execArgv: [] }).unref();
}

/** How many threads this machine runs at once, or what the environment variable `MINIGPT_THREADS` says. */
export function availableThreads(): number {
  const wanted = nodeModule<typeof import('node:process')>('node:process')?.env.MINIGPT_THREADS;
  if (wanted !== undefined) return Math.max(1, Math.floor(Number(wanted)) || 1);
  const os = nodeModule<typeof import('node:os')>('node:os');
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
