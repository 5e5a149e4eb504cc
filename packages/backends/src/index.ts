export type { BackendName, DeviceWatch, StartedBackend } from './backend.ts';
export { BackendUnavailableError, DeviceFailedError } from './errors.ts';
export { backendNames, type SelectBackendOptions, type SelectedBackend, selectBackend } from './select.ts';
export { untilFailed } from './until-failed.ts';
