import {
  type Compile,
  ConfigError,
  type LanguageModel,
  type TokenBatch,
  trainableParameters,
} from '@minigpt/core';
import { checkNonNegative, checkPositiveInteger } from './check.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationEvent, SavedEvent, StepEvent, TrainingEvent } from './events.ts';
import { nextTask } from './next-task.ts';
import type { Optimizer } from './optimizer.ts';
import type { Schedule } from './schedules.ts';
import { type Steps, stepsOf } from './steps.ts';
import { captureState, type TrainingState } from './training-state.ts';

export interface TrainOptions {
  readonly model: LanguageModel;
  /** Its step count is where the run begins: 0, or what `restoreState` says. */
  readonly optimizer: Optimizer;
  /** Micro-batch `index`, such as `batches` of `@minigpt/data`; step s, counted from 0, takes s · A … s · A + A - 1. */
  readonly batch: (index: number) => TokenBatch;
  readonly schedule: Schedule;
  /** Steps in all, those before a resume included. */
  readonly maxIters: number;
  /** The seed of dropout masks; saved with the state. Default 0. */
  readonly seed?: number;
  /** The gradients' norm is limited to this; 0 leaves it. Default 1. */
  readonly gradClip?: number;
  /** A: micro-batches a step. Default 1. */
  readonly gradientAccumulationSteps?: number;
  /**
   * Whether each step is one program of the backend, where it has a compiler (TensorFlow and WebAssembly have): faster,
   * after a pause in the first step, of seconds on TensorFlow. `auto`: where it pays, which is in runs of 100 steps and more; a compiler of another kind is
   * given itself. Where a compiler computes several parts of a step at once, batches are cut for it into whole rows,
   * unless the model draws random numbers. Default `auto`.
   */
  readonly compile?: 'auto' | boolean | Compile;
  /** Compute each block's activations a second time instead of keeping them. Default false. */
  readonly checkpointing?: boolean;
  /** What evaluations measure, such as `windows` of `@minigpt/data`; without it there are none. Iterated each time. */
  readonly validation?: Iterable<TokenBatch>;
  /** Steps from one evaluation to the next. Default: only before the first step and after the last. */
  readonly evalInterval?: number;
  /** Keeps a state; awaited. Called at intervals, after the last step, and when the signal stops the run. */
  readonly save?: (state: TrainingState) => Promise<void>;
  /** Steps from one save to the next. Default: only at the end. */
  readonly saveInterval?: number;
  /** Stops the run after the step under way. */
  readonly signal?: AbortSignal;
}

/**
 * Trains a model and tells of each step as it is taken. Leaving the loop stops the run without a last save; aborting the
 * signal saves first. Either way nothing stays in memory but the model's and the optimizer's variables, which are the
 * caller's, and the run can be taken up again.
 *
 * The same seed gives the same run, bit for bit on one backend with as many threads, stopped and resumed or not.
 *
 * Throws (from the loop) CompileError if `compile` is true and the step cannot be, DivergedError before a step whose loss or
 * gradient is not finite, TokenRangeError, and whatever `batch` and `save` throw.
 *
 * @throws ConfigError
 */
export function train(options: TrainOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  const { maxIters, gradClip = 1, gradientAccumulationSteps = 1, evalInterval, saveInterval } = options;
  checkPositiveInteger('maxIters', maxIters);
  checkNonNegative('gradClip', gradClip);
  checkPositiveInteger('gradientAccumulationSteps', gradientAccumulationSteps);
  if (evalInterval !== undefined) checkPositiveInteger('evalInterval', evalInterval);
  if (saveInterval !== undefined) checkPositiveInteger('saveInterval', saveInterval);
  if (trainableParameters(options.model).size === 0) {
    throw new ConfigError(
      'model',
      'Training changes parameters, but every one of this model is frozen; unfreeze some.',
    );
  }
  return run(options);
}

async function* run(options: TrainOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  const { model, optimizer, maxIters, seed = 0, validation, save, signal } = options;
  const { evalInterval = Number.POSITIVE_INFINITY, saveInterval = Number.POSITIVE_INFINITY } = options;
  const steps = stepsOf(options);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const due = (interval: number) => optimizer.stepCount % interval === 0 || optimizer.stepCount === maxIters;
  const stopped = () => signal?.aborted === true;
  let savedStep = optimizer.stepCount;

  try {
    if (optimizer.stepCount === 0 && !stopped()) yield* evaluation();
    while (optimizer.stepCount < maxIters && !stopped()) {
      yield await step(options, steps, elapsed);
      if (due(evalInterval) && !stopped()) yield* evaluation();
      if (due(saveInterval)) yield* saving();
    }
    if (optimizer.stepCount > savedStep) yield* saving();
  } finally {
    steps.dispose();
  }

  async function* evaluation(): AsyncGenerator<EvaluationEvent> {
    if (validation === undefined) return;
    const measured = await evaluate({ model, batches: until(stopped, validation) });
    if (!stopped()) yield { type: 'evaluation', step: optimizer.stepCount, ...measured, elapsed: elapsed() };
  }

  async function* saving(): AsyncGenerator<SavedEvent> {
    if (save === undefined) return;
    await save(await captureState({ model, optimizer }, seed));
    savedStep = optimizer.stepCount;
    yield { type: 'saved', step: savedStep, elapsed: elapsed() };
  }
}

/** Takes one step of the optimizer; a loss or gradient that is not finite throws before anything has been changed. */
async function step({ optimizer }: TrainOptions, steps: Steps, elapsed: () => number): Promise<StepEvent> {
  const began = performance.now();
  const taken = await steps.take();
  const tokensPerSecond = (1000 * taken.tokens) / (performance.now() - began);
  await nextTask();
  return { type: 'step', step: optimizer.stepCount, ...taken, tokensPerSecond, elapsed: elapsed() };
}

function* until<T>(stopped: () => boolean, items: Iterable<T>): Generator<T> {
  for (const item of items) {
    yield item;
    if (stopped()) return;
  }
}
