import { type CompiledStep, type CompileOptions, ConfigError, type Step } from '@minigpt/core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { getBackend } from '@tensorflow/tfjs-core';
import { compileStep } from '../compile/compile-step.ts';
import { traceStep } from '../compile/trace.ts';
import type { LoadedKernels } from './kernels.ts';
import { ReplayProgram } from './replay/program.ts';
import { KernelRecorder } from './replay/recorder.ts';

/**
 * Makes a step one list of kernel calls on memory that is planned once, for a backend that has started. What the step reads and
 * assigns is found by watching its first two runs: see `compileStep`. Results equal those of plain steps bit for bit.
 *
 * @throws ConfigError if tfjs's current backend is not WebAssembly
 */
export function compile(
  backend: BackendWasm,
  kernels: LoadedKernels,
  step: Step,
  { onlyIfFinite = false }: CompileOptions = {},
): CompiledStep {
  if (getBackend() !== 'wasm') {
    throw new ConfigError(
      'backend',
      `This compiles for WebAssembly, but tfjs's current backend is ${getBackend()}; start @minigpt/backends/wasm first.`,
    );
  }
  return compileStep({
    onlyIfFinite,
    trace: () => traceStep(step, (variables) => new KernelRecorder(backend, variables)),
    programOf: (trace) => new ReplayProgram(backend, kernels, trace, { onlyIfFinite }),
  });
}
