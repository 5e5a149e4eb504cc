import { engine, findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core';

/** Has tfjs make a backend anew when it is next set, in place of the one that it holds. */
export function forget(name: string): void {
  if (!(name in engine().registry)) return;
  const factory = findBackendFactory(name);
  removeBackend(name);
  registerBackend(name, factory);
}
