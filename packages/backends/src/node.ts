import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { registerCompiler } from '@minigpt/core';
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

/**
 * Starts TensorFlow's C library through `@tensorflow/tfjs-node-gpu` or else `@tensorflow/tfjs-node`, which computes on
 * the one engine of `@tensorflow/tfjs-core` that every other import has.
 *
 * @throws BackendUnavailableError if neither is installed, or the one that is has no TensorFlow to run on
 */
export async function start(): Promise<StartedBackend> {
  load();
  registerTensorFlowKernels();
  registerCompiler('tensorflow', compile);
  await setBackend('tensorflow');
  const { binding, isUsingGpuDevice } = backend() as unknown as TensorFlowBackend;
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism();
  const device = isUsingGpuDevice ? 'GPU' : `CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return {
    name: 'node',
    description: `TensorFlow (${device})`,
    version: binding.TF_Version,
    threads: isUsingGpuDevice ? undefined : threads,
  };
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
