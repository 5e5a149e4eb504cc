export type { BackendName, StartedBackend } from './backend.ts';
export { BackendUnavailableError } from './errors.ts';
export { backendNames, type SelectedBackend, selectBackend } from './select.ts';
