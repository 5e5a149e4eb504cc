import { CompileError, type HostTensor, type Step, withFeeder } from '@minigpt/core';
import { dispose, engine, keep, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** Where a tensor of a step comes from. */
export type Source =
  | { readonly from: 'node'; readonly node: number; readonly output: number }
  | { readonly from: 'feed'; readonly feed: number }
  | { readonly from: 'variable'; readonly variable: number }
  | { readonly from: 'constant'; readonly constant: number };

/** An operation of the step, as the backend was given it. */
export interface TracedNode {
  readonly op: string;
  /** Comparable as JSON. */
  readonly attributes: unknown;
  readonly inputs: readonly Source[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: number | string }[];
}

/** What the host makes anew in every step. */
export interface TracedFeed {
  readonly make: () => HostTensor;
  readonly shape: readonly number[];
  readonly dtype: HostTensor['dtype'];
}

/** What is neither a feed nor a variable, nor computed from them. */
export interface TracedConstant {
  readonly dtype: number | string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** All that the backend did in a step, and with what. */
export interface Trace<
  Node extends TracedNode = TracedNode,
  Constant extends TracedConstant = TracedConstant,
> {
  readonly nodes: readonly Node[];
  readonly feeds: readonly TracedFeed[];
  readonly constants: readonly Constant[];
  /** Those that the step could read or assign. */
  readonly variables: readonly Variable[];
  /** What the variables hold after the step, by their index. */
  readonly assigned: ReadonlyMap<number, Source>;
  readonly results: readonly Source[];
}

export interface Traced<T> {
  readonly trace: T;
  readonly results: Tensor[];
  /** Puts the variables back to what they held before the step. */
  undo(): void;
  /** Lets go of what `undo` needs. */
  release(): void;
}

/** Watches a backend during one step. */
export interface Recorder<T> {
  /** @returns what ends the watch */
  watch(): () => void;
  feed(make: () => HostTensor): Tensor;
  finish(results: readonly Tensor[]): T;
}

/**
 * Takes one step as ever and writes down each operation that the backend is given, gradients and optimizer included.
 *
 * @throws CompileError if the step does what no program can; the variables are then as they were before
 */
export function traceStep<T>(
  step: Step,
  recorderOf: (variables: readonly Variable[]) => Recorder<T>,
): Traced<T> {
  const variables = allVariables();
  const before = new Map(variables.map((variable) => [variable, keep(variable.clone())]));
  const undo = () => {
    for (const [variable, value] of before) if (!variable.isDisposed) variable.assign(value);
  };
  const release = () => dispose([...before.values()]);
  const recorder = recorderOf(variables);
  const unwatch = recorder.watch();
  try {
    const results = withFeeder(
      (make) => recorder.feed(make),
      () => tidy(() => step()),
    );
    const known = new Set(variables);
    if (allVariables().some((variable) => !known.has(variable))) {
      throw new CompileError('Variable', 'A compiled step must not make variables; make them before it.');
    }
    return { trace: recorder.finish(results), results, undo, release };
  } catch (error) {
    unwatch();
    undo();
    release();
    throw error;
  } finally {
    unwatch();
  }
}

function allVariables(): Variable[] {
  return Object.values(engine().state.registeredVariables);
}

/**
 * Which variables hold something else after the step, and what.
 *
 * @param held by which each variable's memory was known before the step
 * @param holds the same of after it
 * @throws CompileError if a variable that is assigned shared its memory with another
 */
export function assignedVariables<Memory>(
  variables: readonly Variable[],
  held: readonly Memory[],
  holds: readonly Memory[],
  sourceOf: (memory: Memory) => Source,
): Map<number, Source> {
  const assigned = new Map<number, Source>();
  for (const [variable, memory] of holds.entries()) {
    if (memory === held[variable]) continue;
    if (held.indexOf(held[variable]) !== held.lastIndexOf(held[variable])) {
      throw new CompileError(
        'Variable',
        `The step assigns ${variables[variable].name}, which shares its memory with another variable; make one a clone.`,
      );
    }
    assigned.set(variable, sourceOf(memory));
  }
  return assigned;
}

/** What is thrown where a step looks at a tensor that `op` gave. */
export function readInside(op: string): CompileError {
  return new CompileError(
    op,
    `A compiled step must not read tensors, but what ${op} gave is read on the host (data, dataSync or array); ` +
      'return it as a result of the step, or do not compile the step.',
  );
}

/** Equal for equal sources. */
export function sourceKey(source: Source | undefined): string {
  return JSON.stringify(source);
}
