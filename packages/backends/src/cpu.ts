import { env, ready, scalar, setBackend, version_core } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { StartedBackend } from './backend.ts';

/** Starts tfjs's plain JavaScript backend: slow and everywhere, the reference that the others are tested against. */
export async function start(): Promise<StartedBackend> {
  await setBackend('cpu');
  await ready();
  skipGreeting();
  return { name: 'cpu', description: 'plain JavaScript, 1 thread', version: version_core, threads: 1 };
}

/** The backend greets in six lines, with advice that is not ours, when the first tensor is written in Node. */
function skipGreeting(): void {
  const production = env().getBool('PROD');
  env().set('PROD', true);
  scalar(0).dispose();
  env().set('PROD', production);
}
