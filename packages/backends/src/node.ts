import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { type Compile, registerCompiler } from '@minigpt/core';
import { backend, setBackend } from '@tensorflow/tfjs-core';
import type { StartedBackend } from './backend.ts';
import { BackendUnavailableError } from './errors.ts';
import type { TensorFlowBackend } from './tensorflow/binding.ts';
import { compile } from './tensorflow/compile.ts';
import { registerTensorFlowKernels } from './tensorflow/kernels/register.ts';
import { hasBinding, installedTfjsNode } from './tensorflow/tfjs-node.ts';

export { compile, type TensorFlowCompileOptions } from './tensorflow/compile.ts';
export {
  type LinkedTensorFlow,
  type LinkTensorFlowOptions,
  linkTensorFlow,
  unlinkTensorFlow,
} from './tensorflow/link.ts';
export { type SetupStep, TensorFlowSetupError } from './tensorflow/setup-error.ts';

const require = createRequire(import.meta.url);

export interface StartOptions {
  /**
   * How many threads an operation has, where the environment does not say it by `TF_NUM_INTRAOP_THREADS`; only the first start
   * in a process can choose. Default: as many as there are processors. With 1, the parts that a compiled training step
   * computes at once have a processor each.
   */
  readonly threadsPerOperation?: number;
}

/**
 * Starts TensorFlow's C library through `@tensorflow/tfjs-node-gpu` or else `@tensorflow/tfjs-node`, which computes on
 * the one engine of `@tensorflow/tfjs-core` that every other import has.
 *
 * @throws BackendUnavailableError if neither is installed, or the one that is has no TensorFlow to run on
 */
export async function start({ threadsPerOperation }: StartOptions = {}): Promise<StartedBackend> {
  if (threadsPerOperation !== undefined) process.env.TF_NUM_INTRAOP_THREADS ??= String(threadsPerOperation);
  load();
  registerTensorFlowKernels();
  await setBackend('tensorflow');
  const { binding, isUsingGpuDevice } = backend() as unknown as TensorFlowBackend;
  // A graphics card computes one operation after another, a processor several of a graph at once.
  const parallelism = isUsingGpuDevice ? 1 : threadsOf('INTEROP');
  const threads = Math.max(parallelism, threadsOf('INTRAOP'));
  const parallel: Compile = (step, options) => compile(step, options);
  registerCompiler('tensorflow', Object.assign(parallel, { parallelism }));
  const device = isUsingGpuDevice ? 'GPU' : `CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return {
    name: 'node',
    description: `TensorFlow (${device})`,
    version: binding.TF_Version,
    threads: isUsingGpuDevice ? undefined : threads,
  };
}

/** Threads inside an operation, or between those of a graph, as TensorFlow counts them. */
function threadsOf(pool: 'INTRAOP' | 'INTEROP'): number {
  return Number(process.env[`TF_NUM_${pool}_THREADS`]) || availableParallelism();
}

function load(): void {
  const installed = installedTfjsNode();
  if (installed.length === 0) {
    throw new BackendUnavailableError(
      'node',
      'neither @tensorflow/tfjs-node nor @tensorflow/tfjs-node-gpu is installed; ' +
        '`npm install --ignore-scripts @tensorflow/tfjs-node`, then `npx minigpt tensorflow`',
    );
  }
  // Looked for beforehand: a package without its binding would register half of itself before it throws.
  const whole = installed.find(hasBinding);
  if (whole === undefined) {
    throw new BackendUnavailableError(
      'node',
      `${installed.at(-1)!.name} has no TensorFlow to run on; \`npx minigpt tensorflow\` gets and links one`,
    );
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  defineIsNullOrUndefined();
  try {
    require(whole.folder);
  } catch (cause) {
    throw new BackendUnavailableError(
      'node',
      `${whole.name} does not load (${(cause as Error).message.split('\n')[0]}); \`npx minigpt tensorflow\` links it anew`,
      { cause },
    );
  }
}

/** tfjs-node calls `util.isNullOrUndefined`, which Node 22 warns of and Node 23 removed. */
function defineIsNullOrUndefined(): void {
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined = (value) => value === null || value === undefined;
}
