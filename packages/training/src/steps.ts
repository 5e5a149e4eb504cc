import {
  backendCompiler,
  type Compile,
  CompileError,
  ConfigError,
  Context,
  Rng,
  type TokenBatch,
  trainableParameters,
} from '@minigpt/core';
import { dispose, getBackend, stack, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { accumulateGrads } from './accumulate-grads.ts';
import { batchLoss } from './batch-loss.ts';
import { type ClippedGrads, clipGradsByGlobalNorm, globalNorm } from './clip-grads.ts';
import { DivergedError } from './errors.ts';
import { splitBatches } from './split-batches.ts';
import type { TrainOptions } from './train.ts';

/** A step that has been taken. */
interface TakenStep {
  /** Mean nats per token, before the step changed the parameters. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** How many targets the loss averages. */
  readonly tokens: number;
}

/** Takes the steps of a run. */
export interface Steps {
  /** @throws DivergedError if loss or gradient are not finite, and TokenRangeError: nothing has been changed then */
  take(): Promise<TakenStep>;
  dispose(): void;
}

/** With `auto`, a run of fewer steps in all is not worth the time that compiling takes. */
const WORTH_COMPILING = 100;

/** The steps of a run, compiled if the options ask for it or it pays. @throws ConfigError if it cannot be as asked */
export function stepsOf(options: TrainOptions): Steps {
  const compiler = chosenCompiler(options);
  const plain = plainSteps(options);
  return compiler === undefined ? plain : compiledSteps(options, compiler, plain);
}

function chosenCompiler({ compile = 'auto', maxIters }: TrainOptions): Compile | undefined {
  if (typeof compile === 'function') return compile;
  // Counted from the run's beginning, so that a resumed run computes as one that was not stopped.
  if (compile === 'auto') return maxIters >= WORTH_COMPILING ? backendCompiler() : undefined;
  if (!compile) return undefined;
  const compiler = backendCompiler();
  if (compiler !== undefined) return compiler;
  throw new ConfigError(
    'compile',
    `Compiling needs a backend that can, but ${getBackend()} cannot; use the backend node, or compile 'auto'.`,
  );
}

function plainSteps(options: TrainOptions): Steps {
  const data = dataOf(options);
  const computed = computation(options, data);
  const { optimizer } = options;
  return {
    async take() {
      data.advance();
      const { numbers, grads, tokens } = computed();
      try {
        const [loss, gradNorm] = await numbers.data(); // both with one wait
        requireFinite(loss, gradNorm, data.step);
        optimizer.step(grads, data.learningRate);
        return { loss, gradNorm, learningRate: data.learningRate, tokens };
      } finally {
        dispose([numbers, ...grads.values()]);
      }
    },
    dispose() {},
  };
}

/** Every step runs compiled, the first included. A backend that refuses the step under `auto` leaves it to the plain ones. */
function compiledSteps(options: TrainOptions, compile: Compile, plain: Steps): Steps {
  let steps: Steps | undefined;
  return {
    async take() {
      try {
        steps ??= tracedSteps(options, compile, compile.parallelism ?? 1);
        return await steps.take();
      } catch (error) {
        if (options.compile === true || steps === plain || !(error instanceof CompileError)) throw error;
        steps?.dispose();
        steps = plain;
        return await steps.take();
      }
    },
    dispose() {
      steps?.dispose();
    },
  };
}

/**
 * @param atOnce how many micro-batches the program computes at once; where that is more than there are, they are split. A step
 * that draws random numbers is not: a part's would not be those of the whole.
 */
function tracedSteps(options: TrainOptions, compile: Compile, atOnce: number): Steps {
  const { optimizer, maxIters } = options;
  const data = dataOf(options, atOnce);
  const computed = computation(options, data);
  const tokens = new Map<string, number>(); // by the shapes of the batches
  const shapes = () => data.batches.map(({ shape }) => shape).join();
  let isRandom = false;
  const program = compile(
    () =>
      tidy(() => {
        const { numbers, grads, ...rest } = computed();
        tokens.set(shapes(), rest.tokens);
        isRandom = rest.isRandom;
        optimizer.update(grads, () => data);
        return [numbers];
      }),
    { onlyIfFinite: true },
  );
  // The compiler sees the data of the next step, then those of this one: what differs must be fed.
  data.advance(optimizer.stepCount + 1 < maxIters ? 1 : 0);
  try {
    program.trace();
  } catch (error) {
    program.dispose();
    throw error;
  }
  if (isRandom && atOnce > 1) {
    program.dispose();
    return tracedSteps(options, compile, 1);
  }

  return {
    async take() {
      data.advance();
      const [numbers] = program.run();
      const [loss, gradNorm] = await numbers.data();
      numbers.dispose();
      requireFinite(loss, gradNorm, data.step);
      optimizer.advance();
      return { loss, gradNorm, learningRate: data.learningRate, tokens: tokens.get(shapes())! };
    },
    dispose() {
      program.dispose();
    },
  };
}

/** What the host gives to a step. */
interface StepData {
  readonly step: number;
  readonly learningRate: number;
  /** Of equal weight. */
  readonly batches: readonly TokenBatch[];
  /** The index of the first of them, where they are not split. */
  readonly firstIndex: number;
  /** Goes to the data of the next step, or of one so many after it. */
  advance(ahead?: number): void;
}

/** @param atOnce how many batches a step has at least, if its batches can be split so */
function dataOf(
  { optimizer, batch, schedule, gradientAccumulationSteps: count = 1 }: TrainOptions,
  atOnce = 1,
): StepData {
  let taken = 0;
  let batches: readonly TokenBatch[] = [];
  return {
    get step() {
      return taken + 1;
    },
    get learningRate() {
      return schedule(taken);
    },
    get batches() {
      return batches;
    },
    get firstIndex() {
      return taken * count;
    },
    advance(ahead = 0) {
      taken = optimizer.stepCount + ahead;
      const whole = Array.from({ length: count }, (_, micro) => batch(taken * count + micro));
      batches = splitBatches(whole, atOnce);
    },
  };
}

interface Computed {
  /** Loss and norm of the gradients, `[2]`. */
  readonly numbers: Tensor;
  /** Clipped. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly tokens: number;
  /** Whether the model drew random numbers, such as those of a dropout mask. */
  readonly isRandom: boolean;
}

/** Loss and gradients of a step's batches; what the host gives to it enters through `feed`. */
function computation(options: TrainOptions, data: StepData): () => Computed {
  const { model, checkpointing, seed = 0, gradClip = 1 } = options;
  const parameters = trainableParameters(model);
  const dropoutKey = new Rng(seed).fold('dropout');
  return () => {
    let tokens = 0;
    let isRandom = false;
    const { value, grads } = accumulateGrads(
      (micro) => {
        const rng = Rng.following(() => {
          isRandom = true;
          return dropoutKey.fold(data.firstIndex + micro);
        });
        const ctx = Context.training({ rng, checkpointing });
        const measured = batchLoss(model, () => data.batches[micro], ctx);
        tokens += measured.tokens;
        return measured.loss;
      },
      parameters,
      data.batches.length,
    );
    const clipped = clip(grads, gradClip);
    const numbers = stack([value, clipped.norm]);
    dispose([value, clipped.norm]);
    return { numbers, grads: clipped.grads, tokens, isRandom };
  };
}

/** Limits the norm; 0 leaves it. Takes over `grads`. */
function clip(grads: Map<string, Tensor>, maxNorm: number): ClippedGrads {
  if (maxNorm === 0) return { grads, norm: globalNorm(grads) };
  const clipped = clipGradsByGlobalNorm(grads, maxNorm);
  dispose([...grads.values()]);
  return clipped;
}

function requireFinite(loss: number, gradNorm: number, step: number): void {
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) throw new DivergedError({ step, loss, gradNorm });
}
