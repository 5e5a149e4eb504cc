import { MinigptError } from '@minigpt/core';
import type { BackendName } from './backend.ts';

/** A backend cannot be started here. */
export class BackendUnavailableError extends MinigptError {
  readonly backend: BackendName;

  /** @param reason why, and what makes it available. */
  constructor(backend: BackendName, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.backend = backend;
  }
}

/** The device has stopped, and every tensor on it is gone: start a backend again and go on from the last save. */
export class DeviceFailedError extends MinigptError {
  readonly backend: BackendName;
  readonly reason: 'lost' | 'out of memory';

  constructor(backend: BackendName, reason: 'lost' | 'out of memory', detail: string) {
    const remedy =
      reason === 'lost'
        ? 'start a backend again and go on from the last save'
        : 'go on from the last save with a smaller batch or context, or recompute activations (checkpointing)';
    super(`${detail}, and what was on the device is gone; ${remedy}.`);
    this.backend = backend;
    this.reason = reason;
  }
}
