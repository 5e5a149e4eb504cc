import { BackendUnavailableError } from '@minigpt/backends';
import { beforeAll, beforeEach, describe } from 'vitest';

export type TestedBackend = 'cpu' | 'wasm' | 'node';

const starts: Readonly<Record<TestedBackend, () => Promise<unknown>>> = {
  cpu: async () => (await import('@minigpt/backends/cpu')).start(),
  wasm: async () => (await import('@minigpt/backends/wasm')).start(),
  node: async () => (await import('@minigpt/backends/node')).start(),
};

/**
 * Makes `backend` tfjs's current one.
 *
 * @throws BackendUnavailableError if it cannot be started here
 */
export async function startBackend(backend: TestedBackend): Promise<void> {
  await starts[backend]();
}

/**
 * Runs a suite once on each backend. Where one cannot be started on this machine, its tests count as skipped, with a note
 * that says what would have them run.
 *
 * @param backends which ones, all unless told
 */
export function describeOnBackends(
  title: string,
  suite: (backend: TestedBackend) => void,
  backends: readonly TestedBackend[] = ['cpu', 'wasm', 'node'],
): void {
  for (const backend of backends) {
    describe(`${title} on ${backend}`, () => {
      let started = true;
      beforeAll(async () => {
        try {
          await startBackend(backend);
        } catch (error) {
          if (!(error instanceof BackendUnavailableError)) throw error;
          started = false;
        }
      });
      beforeEach(({ skip }) => skip(!started, NEEDS[backend]));
      suite(backend);
    });
  }
}

const NEEDS: Readonly<Record<TestedBackend, string>> = {
  cpu: 'needs @tensorflow/tfjs-backend-cpu: pnpm install',
  wasm: 'needs @tensorflow/tfjs-backend-wasm: pnpm install',
  node: 'needs TensorFlow: pnpm minigpt tensorflow',
};
