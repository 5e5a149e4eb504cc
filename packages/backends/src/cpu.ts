import { ready, setBackend, version_core } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { StartedBackend } from './backend.ts';

/** Starts tfjs's plain JavaScript backend: slow and everywhere, the reference that the others are tested against. */
export async function start(): Promise<StartedBackend> {
  await setBackend('cpu');
  await ready();
  return { name: 'cpu', description: 'plain JavaScript, 1 thread', version: version_core };
}
