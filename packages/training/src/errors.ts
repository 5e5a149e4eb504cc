import { MinigptError } from '@minigpt/core';

/** The loss or the gradient is no longer a finite number. The step was not taken: parameters are those of the step before. */
export class DivergedError extends MinigptError {
  /** The step that failed, counted from 1. */
  readonly step: number;
  /** Nats per token. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;

  constructor({
    step,
    loss,
    gradNorm,
  }: { readonly step: number; readonly loss: number; readonly gradNorm: number }) {
    super(
      `Loss and gradient must stay finite, but at step ${step} the loss is ${loss} and the gradient's norm ${gradNorm}; resume from the last checkpoint with a lower learning rate, a longer warm-up or gradient clipping.`,
    );
    this.step = step;
    this.loss = loss;
    this.gradNorm = gradNorm;
  }
}
