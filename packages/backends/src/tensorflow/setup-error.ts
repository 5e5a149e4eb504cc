import { MinigptError } from '@minigpt/core';

/** Where the set-up of TensorFlow stopped. */
export type SetupStep = 'platform' | 'package' | 'python' | 'install' | 'build' | 'link' | 'check';

/** TensorFlow could not be set up: the message says what failed and what to do; nothing is left half linked. */
export class TensorFlowSetupError extends MinigptError {
  readonly step: SetupStep;

  constructor(step: SetupStep, message: string, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}
