import { getBackend, type Tensor } from '@tensorflow/tfjs-core';
import { MinigptError } from './errors.ts';
import { fromHost, type HostTensor } from './tree.ts';

/**
 * What is done over and over with other data: reads variables, assigns variables, gives tensors. Data of the host enter
 * through {@link feed}; nothing inside reads a tensor.
 */
export type Step = () => Tensor[];

export interface CompileOptions {
  /** Variables change only in a step whose results are all finite. Default false. */
  readonly onlyIfFinite?: boolean;
}

/** A step as one program of the backend. */
export interface CompiledStep {
  /**
   * Looks at a step with the data of now, and leaves the variables as they are. After that already the first run is
   * compiled: it needs to know two steps with different data.
   */
  trace(): void;
  /**
   * Takes a step. Variables may be read and assigned between steps as ever.
   *
   * @returns the step's results; the caller owns them.
   * @throws CompileError if the step turns out not to be one program; then it has not been taken
   */
  run(): Tensor[];
  /** Frees the program. Variables keep their values. */
  dispose(): void;
}

export interface Compile {
  /** Makes a step one program. It is traced in the first runs, once for each set of shapes that its feeds have. */
  (step: Step, options?: CompileOptions): CompiledStep;
  /** How many parts of a step that do not depend on each other its programs compute at once. Default 1. */
  readonly parallelism?: number;
}

const compilers = new Map<string, Compile>();

/** Gives a backend of tfjs a compiler. */
export function registerCompiler(backend: string, compile: Compile): void {
  compilers.set(backend, compile);
}

/** The compiler of tfjs's current backend, if it has one. */
export function backendCompiler(): Compile | undefined {
  return compilers.get(getBackend());
}

/** Takes over what {@link feed} does, while a step is traced. */
type Feeder = (make: () => HostTensor) => Tensor;

let feeder: Feeder = (make) => fromHost(make());

/**
 * A tensor of data that the host makes anew for each step: a batch, a learning rate, a dropout mask. Where the step has been
 * compiled, `make` alone is called again, at every run, in the order of the trace; it must give the same shape each time
 * or the step is traced anew.
 */
export function feed(make: () => HostTensor): Tensor {
  return feeder(make);
}

/** Runs `trace` with `feed` replaced: for compilers. */
export function withFeeder<T>(replacement: Feeder, trace: () => T): T {
  const before = feeder;
  feeder = replacement;
  try {
    return trace();
  } finally {
    feeder = before;
  }
}

/** A step that cannot be made one program: why, and where. */
export class CompileError extends MinigptError {
  /** The operation at which it shows, by the backend's name for it. */
  readonly op: string;

  constructor(op: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.op = op;
  }
}
