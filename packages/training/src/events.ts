/** What happens in a run, in plain numbers. `step` counts the steps taken; `elapsed` is in seconds since `train` began. */
export type TrainingEvent = StepEvent | EvaluationEvent | SavedEvent;

/** One step of the optimizer has been taken. */
export interface StepEvent {
  readonly type: 'step';
  /** This step included: the first is 1. */
  readonly step: number;
  /** Mean nats per token over the step's batches, before the step changed the parameters. */
  readonly loss: number;
  readonly learningRate: number;
  /** Of all gradients together, before clipping. */
  readonly gradNorm: number;
  /** Tokens that this step learnt to predict. */
  readonly tokens: number;
  /** Of this step alone: what happens between steps does not count. */
  readonly tokensPerSecond: number;
  readonly elapsed: number;
}

/** The loss on the validation batches: before the first step, at intervals, and after the last step. */
export interface EvaluationEvent {
  readonly type: 'evaluation';
  readonly step: number;
  /** Mean nats per token. */
  readonly loss: number;
  /** How many tokens were predicted. */
  readonly tokens: number;
  readonly elapsed: number;
}

/** `save` has done its work. */
export interface SavedEvent {
  readonly type: 'saved';
  readonly step: number;
  readonly elapsed: number;
}
