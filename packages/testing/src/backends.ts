import { beforeAll, describe } from 'vitest';

export type TestedBackend = 'cpu' | 'wasm' | 'node';

/** Makes `backend` tfjs's current one. */
export async function startBackend(backend: TestedBackend): Promise<void> {
  if (backend === 'node') throw new Error('The node backend cannot be started here.');
  const { start } =
    backend === 'cpu' ? await import('@minigpt/backends/cpu') : await import('@minigpt/backends/wasm');
  await start();
}

/**
 * Runs a suite once on each backend that this machine can start, and counts it as skipped on the others.
 *
 * @param backends which ones, all unless told
 */
export function describeOnBackends(
  title: string,
  suite: (backend: TestedBackend) => void,
  backends: readonly TestedBackend[] = ['cpu', 'wasm', 'node'],
): void {
  for (const backend of backends) {
    if (backend === 'node') continue;
    describe(`${title} on ${backend}`, () => {
      beforeAll(() => startBackend(backend));
      suite(backend);
    });
  }
}
