import { type BackendName, BackendUnavailableError } from '@minigpt/backends';
import { device_util } from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe } from 'vitest';

export type TestedBackend = BackendName;

const starts: Readonly<Record<TestedBackend, () => Promise<unknown>>> = {
  cpu: async () => (await import('@minigpt/backends/cpu')).start(),
  wasm: async () => (await import('@minigpt/backends/wasm')).start(),
  node: async () => (await import('@minigpt/backends/node')).start(),
  webgl: async () => (await import('@minigpt/backends/webgl')).start({ software: true }),
  webgpu: async () => (await import('@minigpt/backends/webgpu')).start(),
};

/** WebGPU in Node is asked for by name: its driver computes in software on most machines that test. */
const everywhere = (): readonly TestedBackend[] =>
  device_util.isBrowser() ? ['cpu', 'wasm', 'webgl', 'webgpu'] : ['cpu', 'wasm', 'node'];

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
 * @param backends which ones; unless told cpu, wasm and node, or in a browser cpu, wasm, webgl and webgpu
 */
export function describeOnBackends(
  title: string,
  suite: (backend: TestedBackend) => void,
  backends: readonly TestedBackend[] = everywhere(),
): void {
  for (const backend of backends) {
    describeStarted(
      `${title} on ${backend}`,
      () => startBackend(backend),
      () => suite(backend),
    );
  }
}

/** How long a backend may take to start, in milliseconds: TensorFlow on a busy machine. */
const START_TIMEOUT = 60_000;

/** Runs a suite after `start`, or counts it as skipped if that throws a BackendUnavailableError. */
export function describeStarted(title: string, start: () => Promise<unknown>, suite: () => void): void {
  describe(title, () => {
    let unavailable: BackendUnavailableError | undefined;
    beforeAll(async () => {
      try {
        await start();
      } catch (error) {
        if (!(error instanceof BackendUnavailableError)) throw error;
        unavailable = error;
      }
    }, START_TIMEOUT);
    beforeEach(({ skip }) => {
      if (unavailable !== undefined) skip(needs(unavailable));
    });
    suite();
  });
}

/** In the form in which `pnpm test` gathers the reasons of skipped tests. */
function needs({ backend, message }: BackendUnavailableError): string {
  const enabling: Partial<Record<BackendName, string>> = {
    node: 'TensorFlow: pnpm minigpt tensorflow',
    webgl: 'Chromium: apt-get install chromium',
    webgpu: 'Chromium and Vulkan: apt-get install chromium libvulkan1',
  };
  return `needs ${enabling[backend] ?? `${backend}: ${message}`}`;
}
