import type { CompiledStep, HostTensor } from '@minigpt/core';
import { dispose, type Tensor, util } from '@tensorflow/tfjs-core';
import { requireSameSteps } from './compare.ts';
import type { Trace, Traced, TracedFeed } from './trace.ts';

/** A traced step in the backend's own form. */
export interface Program {
  /** Takes a step with these data of its feeds; the caller owns the results. */
  run(feeds: readonly HostTensor[]): Tensor[];
  dispose(): void;
}

export interface StepCompiler<T extends Trace> {
  /** Variables change only in a step whose results are all finite. */
  readonly onlyIfFinite: boolean;
  /** Takes the step operation by operation. */
  readonly trace: () => Traced<T>;
  readonly programOf: (trace: T) => Program;
}

/**
 * A step whose first two runs are taken operation by operation, all that the backend is asked for being written down; a program
 * is made of what both have in common, one for each set of shapes that the feeds have. What is neither a feed, nor a variable,
 * nor computed is a constant of it; where it was another one in the second run, the step is refused.
 */
export function compileStep<T extends Trace>({
  onlyIfFinite,
  trace: takeTraced,
  programOf,
}: StepCompiler<T>): CompiledStep {
  const programs: { readonly program: Program; readonly feeds: readonly TracedFeed[] }[] = [];
  /** First traces that wait for a second one with feeds of the same shapes. */
  const waiting: T[] = [];

  /** The program for the feeds of now, if they fit one. */
  const runFitting = (): Tensor[] | undefined => {
    for (const { program, feeds } of programs) {
      const made = feeds.map(({ make }) => make());
      if (sameShapes(made, feeds)) return program.run(made);
    }
    return undefined;
  };

  /** Takes the step operation by operation; where it is the second of its kind, takes it back and has it compiled. */
  function traceOnce(): Traced<T> & { readonly compiled: boolean } {
    const traced = takeTraced();
    const { trace } = traced;
    const first = waiting.findIndex(({ feeds }) => sameShapes(feeds, trace.feeds));
    if (first === -1) {
      waiting.push(trace);
      return { ...traced, compiled: false };
    }
    traced.undo();
    try {
      requireSameSteps(waiting[first], trace);
      programs.unshift({ program: programOf(trace), feeds: trace.feeds });
      waiting.splice(first, 1);
      return { ...traced, compiled: true };
    } catch (error) {
      dispose(traced.results);
      traced.release();
      throw error;
    }
  }

  return {
    trace() {
      const { results, undo, release } = traceOnce();
      undo();
      release();
      dispose(results);
    },
    run() {
      const results = runFitting();
      if (results !== undefined) return results;
      const traced = traceOnce();
      if (traced.compiled) {
        traced.release();
        dispose(traced.results);
        return runFitting() as Tensor[];
      }
      if (onlyIfFinite && !traced.results.every(isFiniteTensor)) traced.undo();
      traced.release();
      return traced.results;
    },
    dispose() {
      for (const { program } of programs) program.dispose();
      programs.length = 0;
    },
  };
}

type Shaped = { readonly shape: readonly number[] };

function sameShapes(a: readonly Shaped[], b: readonly Shaped[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ shape }, i) => util.arraysEqual(shape as number[], b[i].shape as number[]))
  );
}

function isFiniteTensor(tensor: Tensor): boolean {
  return tensor.dtype !== 'float32' || (tensor.dataSync() as Float32Array).every(Number.isFinite);
}
