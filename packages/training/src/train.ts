import {
  ConfigError,
  Context,
  type LanguageModel,
  Rng,
  type TokenBatch,
  trainableParameters,
} from '@minigpt/core';
import { dispose, stack, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { accumulateGrads } from './accumulate-grads.ts';
import { batchLoss } from './batch-loss.ts';
import { checkNonNegative, checkPositiveInteger } from './check.ts';
import { type ClippedGrads, clipGradsByGlobalNorm, globalNorm } from './clip-grads.ts';
import { DivergedError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationEvent, SavedEvent, StepEvent, TrainingEvent } from './events.ts';
import { nextTask } from './next-task.ts';
import type { Optimizer } from './optimizer.ts';
import type { Schedule } from './schedules.ts';
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
 * The same seed gives the same run, bit for bit on one backend, stopped and resumed or not.
 *
 * Throws (from the loop) DivergedError before a step whose loss or gradient is not finite, TokenRangeError, and whatever
 * `batch` and `save` throw.
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
  const parameters = trainableParameters(model);
  const dropoutKey = new Rng(seed).fold('dropout');
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const due = (interval: number) => optimizer.stepCount % interval === 0 || optimizer.stepCount === maxIters;
  const stopped = () => signal?.aborted === true;
  let savedStep = optimizer.stepCount;

  if (optimizer.stepCount === 0 && !stopped()) yield* evaluation();
  while (optimizer.stepCount < maxIters && !stopped()) {
    yield await step(options, parameters, dropoutKey, elapsed);
    if (due(evalInterval) && !stopped()) yield* evaluation();
    if (due(saveInterval)) yield* saving();
  }
  if (optimizer.stepCount > savedStep) yield* saving();

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
async function step(
  options: TrainOptions,
  parameters: ReadonlyMap<string, Variable>,
  dropoutKey: Rng,
  elapsed: () => number,
): Promise<StepEvent> {
  const { model, optimizer, batch, schedule, checkpointing } = options;
  const { gradClip = 1, gradientAccumulationSteps: count = 1 } = options;
  const began = performance.now();
  const taken = optimizer.stepCount;
  const learningRate = schedule(taken);
  let tokens = 0;

  const { value, grads } = accumulateGrads(
    (micro) => {
      const index = taken * count + micro;
      const ctx = Context.training({ rng: dropoutKey.fold(index), checkpointing });
      const measured = batchLoss(model, batch(index), ctx);
      tokens += measured.tokens;
      return measured.loss;
    },
    parameters,
    count,
  );
  const clipped = clip(grads, gradClip);
  const numbers = stack([value, clipped.norm]); // read with one wait
  try {
    const [loss, gradNorm] = await numbers.data();
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      throw new DivergedError({ step: taken + 1, loss, gradNorm });
    }
    optimizer.step(clipped.grads, learningRate);
    const tokensPerSecond = (1000 * tokens) / (performance.now() - began);
    await nextTask();
    return {
      type: 'step',
      step: taken + 1,
      loss,
      learningRate,
      gradNorm,
      tokens,
      tokensPerSecond,
      elapsed: elapsed(),
    };
  } finally {
    dispose([numbers, value, clipped.norm, ...clipped.grads.values()]);
  }
}

/** Limits the norm; 0 leaves it. Takes over `grads`. */
function clip(grads: Map<string, Tensor>, maxNorm: number): ClippedGrads {
  if (maxNorm === 0) return { grads, norm: globalNorm(grads) };
  const clipped = clipGradsByGlobalNorm(grads, maxNorm);
  dispose([...grads.values()]);
  return clipped;
}

function* until<T>(stopped: () => boolean, items: Iterable<T>): Generator<T> {
  for (const item of items) {
    yield item;
    if (stopped()) return;
  }
}
