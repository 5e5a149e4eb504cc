import { ConfigError } from '@minigpt/core';
import { device_util } from '@tensorflow/tfjs-core';
import type { BackendName, StartedBackend } from './backend.ts';
import { BackendUnavailableError } from './errors.ts';

/** A started backend, and why it is the one. */
export interface SelectedBackend extends StartedBackend {
  /** One sentence for a person, naming the faster ones that could not be started. */
  readonly reason: string;
}

export interface SelectBackendOptions {
  /** URL of the folder that serves tfjs-backend-wasm's `.wasm` files; needed in browsers only. */
  readonly wasmPath?: string;
  /** Take a WebGL that the browser computes on the processor; WebAssembly is faster than that. */
  readonly software?: boolean;
  /** Threads of a single operation of TensorFlow; see `start` of `@minigpt/backends/node`. */
  readonly threadsPerOperation?: number;
}

type Start = (options: SelectBackendOptions) => Promise<StartedBackend>;

/** Fastest first. Each is loaded only when it is tried. */
const starts: Readonly<Record<BackendName, Start>> = {
  node: async (options) => (await import('./node.ts')).start(options),
  webgpu: async () => (await import('./webgpu.ts')).start(),
  webgl: async (options) => (await import('./webgl.ts')).start(options),
  wasm: async (options) => (await import('./wasm.ts')).start(options),
  cpu: async () => (await import('./cpu.ts')).start(),
};

/** The names that `--backend` takes. */
export const backendNames = Object.keys(starts) as readonly BackendName[];

/** What `auto` tries. In Node, WebGPU is for who asks for it: its driver may well compute in software. */
const automatic = (): readonly BackendName[] =>
  device_util.isBrowser() ? ['webgpu', 'webgl', 'wasm', 'cpu'] : ['node', 'wasm', 'cpu'];

/**
 * Starts the backend of that name, or the fastest that this machine has: in Node `node`, `wasm` or `cpu`, in a browser
 * `webgpu`, `webgl`, `wasm` or `cpu`.
 *
 * @throws BackendUnavailableError if the one that was asked for cannot be started
 * @throws ConfigError if there is none of that name
 */
export async function selectBackend(
  wanted: BackendName | 'auto' = 'auto',
  options: SelectBackendOptions = {},
): Promise<SelectedBackend> {
  if (wanted !== 'auto') {
    if (!Object.hasOwn(starts, wanted)) {
      const known = ['auto', ...backendNames].join(', ');
      throw new ConfigError(
        'backend',
        `The backend must be one of ${known}, but ${JSON.stringify(wanted)} came.`,
      );
    }
    return { ...(await starts[wanted](options)), reason: 'it was asked for' };
  }
  const unavailable: string[] = [];
  for (const name of automatic()) {
    try {
      const started = await starts[name](options);
      const reason = ['it is the fastest that starts here', ...unavailable].join('; ');
      return { ...started, reason };
    } catch (error) {
      if (!(error instanceof BackendUnavailableError)) throw error;
      unavailable.push(`${name} does not: ${error.message}`);
    }
  }
  throw new BackendUnavailableError('cpu', `No backend can be started: ${unavailable.join('; ')}`);
}
