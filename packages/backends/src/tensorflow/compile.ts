import { type CompiledStep, type CompileOptions, ConfigError, type Step } from '@minigpt/core';
import { backend, dispose, getBackend, type Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from './binding.ts';
import { requireSameSteps } from './graph/compare.ts';
import { Program, sameShapes } from './graph/program.ts';
import { type Trace, type Traced, traceStep } from './graph/trace.ts';

export interface TensorFlowCompileOptions extends CompileOptions {
  /**
   * Have XLA compile the graph: fewer passes over the memory, but the first run takes seconds instead of one. Default false.
   */
  readonly xla?: boolean;
}

/**
 * Makes a step one TensorFlow graph, in whose session the variables live. What the step reads and assigns is found by watching
 * it: the first two runs are taken operation by operation, all that TensorFlow is asked for is written down, and the graph is
 * made of what both have in common. What is neither a feed, nor a variable, nor computed is a constant of the graph; where it
 * was another one in the second run, the step is refused.
 *
 * @throws ConfigError if tfjs's current backend is not TensorFlow
 */
export function compile(step: Step, options: TensorFlowCompileOptions = {}): CompiledStep {
  const { onlyIfFinite = false, xla = false } = options;
  if (getBackend() !== 'tensorflow') {
    throw new ConfigError(
      'backend',
      `This compiles for TensorFlow, but tfjs's current backend is ${getBackend()}; start @minigpt/backends/node first.`,
    );
  }
  const tensorflow = backend() as TensorFlowBackend;
  const programs: Program[] = [];
  /** First traces that wait for a second one with feeds of the same shapes. */
  const waiting: Trace[] = [];

  /** A program for the feeds of now, if they fit one. */
  const runFitting = (): Tensor[] | undefined => {
    for (const program of programs) {
      const feeds = program.feeds();
      if (feeds !== undefined) return program.run(feeds);
    }
    return undefined;
  };

  /** Takes the step operation by operation; where it is the second of its kind, takes it back and has it compiled. */
  function traceOnce(): Traced & { readonly compiled: boolean } {
    const traced = traceStep(tensorflow, step);
    const { trace } = traced;
    const first = waiting.findIndex(({ feeds }) => sameShapes(feeds, trace.feeds));
    if (first === -1) {
      waiting.push(trace);
      return { ...traced, compiled: false };
    }
    traced.undo();
    try {
      requireSameSteps(waiting[first], trace);
      programs.unshift(new Program(tensorflow, trace, { onlyIfFinite, xla }));
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
      for (const program of programs) program.dispose();
      programs.length = 0;
    },
  };
}

function isFiniteTensor(tensor: Tensor): boolean {
  return (tensor.dataSync() as Float32Array).every(Number.isFinite);
}
