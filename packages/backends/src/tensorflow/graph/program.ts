import { CompileError, type HostTensor } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Program } from '../../compile/compile-step.ts';
import type { TracedFeed } from '../../compile/trace.ts';
import type { TensorFlowBackend } from '../binding.ts';
import { loadGraph } from './load.ts';
import { type LowerOptions, lower } from './lower.ts';
import { dataTypeOf } from './plan.ts';
import { SessionVariables } from './session-variables.ts';
import type { GraphTrace } from './trace.ts';

/** A traced step as a TensorFlow graph in a session of its own. */
export class GraphProgram implements Program {
  readonly #backend: TensorFlowBackend;
  readonly #feeds: readonly TracedFeed[];
  readonly #session: number;
  readonly #variables: SessionVariables;
  readonly #inputs: string;
  readonly #outputs: string;

  constructor(backend: TensorFlowBackend, trace: GraphTrace, options: LowerOptions) {
    const { graph, feeds, results, end, variables } = lower(trace, options);
    this.#backend = backend;
    this.#feeds = trace.feeds;
    this.#session = ofTensorFlow('load', () => loadGraph(backend.binding, graph));
    this.#variables = new SessionVariables(backend, this.#session, variables, trace.variables);
    this.#inputs = feeds.map((name) => `${name}:0`).join();
    this.#outputs = [...results, end].map((name) => `${name}:0`).join();
  }

  run(feeds: readonly HostTensor[]): Tensor[] {
    const { binding } = this.#backend;
    this.#variables.push();
    const ids = feeds.map(({ shape, data }, index) =>
      binding.createTensor(shape, dataTypeOf(this.#feeds[index].dtype), data),
    );
    try {
      const handles = ofTensorFlow('run', () =>
        binding.runSavedModel(this.#session, ids, this.#inputs, this.#outputs),
      );
      this.#variables.changed();
      binding.deleteTensor(handles.pop()!.id); // that of the end
      return handles.map((handle) => this.#backend.createOutputTensor(handle));
    } finally {
      for (const id of ids) binding.deleteTensor(id);
    }
  }

  dispose(): void {
    this.#variables.pull();
    this.#backend.binding.deleteSavedModel(this.#session);
  }
}

/** What TensorFlow refuses becomes a CompileError: an old one without XLA, say, has no compiler for parts of a graph. */
function ofTensorFlow<T>(what: 'load' | 'run', act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new CompileError(
      'graph',
      `TensorFlow does not ${what} the compiled step (${reason}); do not compile it.`,
      {
        cause,
      },
    );
  }
}
