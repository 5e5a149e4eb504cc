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
