export { describeOnBackends, type TestedBackend } from './backends.ts';
export { expectClose, type Tolerance } from './close.ts';
