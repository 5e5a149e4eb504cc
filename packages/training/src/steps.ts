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
  const { optimizer, maxIters } = options;
  const data = dataOf(options);
  const computed = computation(options, data);
  const tokens = new Map<string, number>(); // by the shapes of the batches
  const shapes = () => data.batches.map(({ shape }) => shape).join();
  const program = compile(
    () =>
      tidy(() => {
        const { numbers, grads, ...rest } = computed();
        tokens.set(shapes(), rest.tokens);
        optimizer.update(grads, () => data);
        return [numbers];
      }),
    { onlyIfFinite: true },
  );
  let steps: Steps | undefined;

  async function takeCompiled(): Promise<TakenStep> {
    data.advance();
    const [numbers] = program.run();
    const [loss, gradNorm] = await numbers.data();
    numbers.dispose();
    requireFinite(loss, gradNorm, data.step);
    optimizer.advance();
    return { loss, gradNorm, learningRate: data.learningRate, tokens: tokens.get(shapes())! };
  }

  function begin(): Steps {
    try {
      // The compiler sees the data of the next step, then those of this one: what differs must be fed.
      data.advance(optimizer.stepCount + 1 < maxIters ? 1 : 0);
      program.trace();
      return { take: takeCompiled, dispose: () => program.dispose() };
    } catch (error) {
      if (options.compile === true || !(error instanceof CompileError)) throw error;
      return plain;
    }
  }

  return {
    async take() {
      steps ??= begin();
      try {
        return await steps.take();
      } catch (error) {
        if (options.compile === true || steps === plain || !(error instanceof CompileError)) throw error;
        steps = plain;
        return await steps.take();
      }
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
  readonly batches: readonly TokenBatch[];
  /** The index of the first of them. */
  readonly firstIndex: number;
  /** Goes to the data of the next step, or of one so many after it. */
  advance(ahead?: number): void;
}

function dataOf({
  optimizer,
  batch,
  schedule,
  gradientAccumulationSteps: count = 1,
}: TrainOptions): StepData {
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
      batches = Array.from({ length: count }, (_, micro) => batch(taken * count + micro));
    },
  };
}

interface Computed {
  /** Loss and norm of the gradients, `[2]`. */
  readonly numbers: Tensor;
  /** Clipped. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly tokens: number;
}

/** Loss and gradients of a step's batches; what the host gives to it enters through `feed`. */
function computation(options: TrainOptions, data: StepData): () => Computed {
  const { model, checkpointing, seed = 0, gradClip = 1, gradientAccumulationSteps: count = 1 } = options;
  const parameters = trainableParameters(model);
  const dropoutKey = new Rng(seed).fold('dropout');
  return () => {
    let tokens = 0;
    const { value, grads } = accumulateGrads(
      (micro) => {
        const rng = Rng.following(() => dropoutKey.fold(data.firstIndex + micro));
        const ctx = Context.training({ rng, checkpointing });
        const measured = batchLoss(model, () => data.batches[micro], ctx);
        tokens += measured.tokens;
        return measured.loss;
      },
      parameters,
      count,
    );
    const clipped = clip(grads, gradClip);
    const numbers = stack([value, clipped.norm]);
    dispose([value, clipped.norm]);
    return { numbers, grads: clipped.grads, tokens };
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
