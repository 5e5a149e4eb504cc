import { ConfigError } from '@minigpt/core';
import type { BackendName, StartedBackend } from './backend.ts';
import { BackendUnavailableError } from './errors.ts';

/** A started backend, and why it is the one. */
export interface SelectedBackend extends StartedBackend {
  /** One sentence for a person, naming the faster ones that could not be started. */
  readonly reason: string;
}

type Start = () => Promise<StartedBackend>;

/** Fastest first. Each is loaded only when it is tried. */
const starts: Readonly<Record<BackendName, Start>> = {
  node: async () => (await import('./node.ts')).start(),
  wasm: async () => (await import('./wasm.ts')).start(),
  cpu: async () => (await import('./cpu.ts')).start(),
};

/** The names that `--backend` takes. */
export const backendNames = Object.keys(starts) as readonly BackendName[];

/**
 * Starts the backend of that name, or the fastest that this machine has.
 *
 * @throws BackendUnavailableError if the one that was asked for cannot be started
 * @throws ConfigError if there is none of that name
 */
export async function selectBackend(wanted: BackendName | 'auto' = 'auto'): Promise<SelectedBackend> {
  if (wanted !== 'auto') {
    if (!Object.hasOwn(starts, wanted)) {
      const known = ['auto', ...backendNames].join(', ');
      throw new ConfigError(
        'backend',
        `The backend must be one of ${known}, but ${JSON.stringify(wanted)} came.`,
      );
    }
    return { ...(await starts[wanted]()), reason: 'it was asked for' };
  }
  const unavailable: string[] = [];
  for (const name of backendNames) {
    try {
      const started = await starts[name]();
      const reason = ['it is the fastest that starts here', ...unavailable].join('; ');
      return { ...started, reason };
    } catch (error) {
      if (!(error instanceof BackendUnavailableError)) throw error;
      unavailable.push(`${name} does not: ${error.message}`);
    }
  }
  throw new BackendUnavailableError('cpu', `No backend can be started: ${unavailable.join('; ')}`);
}
