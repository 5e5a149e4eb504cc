import { type CompiledStep, type CompileOptions, ConfigError, type Step } from '@minigpt/core';
import { backend, getBackend } from '@tensorflow/tfjs-core';
import { compileStep } from '../compile/compile-step.ts';
import { traceStep } from '../compile/trace.ts';
import type { TensorFlowBackend } from './binding.ts';
import { GraphProgram } from './graph/program.ts';
import { GraphRecorder } from './graph/trace.ts';

export interface TensorFlowCompileOptions extends CompileOptions {
  /**
   * Have XLA compile the graph: fewer passes over the memory, but the first run takes seconds instead of one. Default false.
   */
  readonly xla?: boolean;
}

/**
 * Makes a step one TensorFlow graph, in whose session the variables live. What the step reads and assigns is found by watching
 * its first two runs: see `compileStep`.
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
  return compileStep({
    onlyIfFinite,
    trace: () => traceStep(step, (variables) => new GraphRecorder(tensorflow, variables)),
    programOf: (trace) => new GraphProgram(tensorflow, trace, { onlyIfFinite, xla }),
  });
}
