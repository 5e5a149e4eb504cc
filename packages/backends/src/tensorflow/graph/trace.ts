import { CompileError, fromHost, type HostTensor, type Step, withFeeder } from '@minigpt/core';
import { dispose, engine, keep, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { Binding, OpAttribute, TensorFlowBackend, TensorHandle } from '../binding.ts';
import type { InPlaceUpdate } from '../in-place-update.ts';
import type { TensorValue } from './graph-def.ts';

/** Where a tensor of a step comes from. */
export type Source =
  | { readonly from: 'node'; readonly node: number; readonly output: number }
  | { readonly from: 'feed'; readonly feed: number }
  | { readonly from: 'variable'; readonly variable: number }
  | { readonly from: 'constant'; readonly constant: number };

/** An operation of the step, as TensorFlow was given it. */
interface TracedNode {
  readonly op: string;
  readonly attributes: readonly OpAttribute[];
  readonly inputs: readonly Source[];
  readonly outputs: readonly Pick<TensorHandle, 'shape' | 'dtype'>[];
  /** The call of a kernel whose operations are to be compiled together, if it is part of one. */
  readonly call?: number;
}

/** What the host makes anew in every step. */
export interface TracedFeed {
  readonly make: () => HostTensor;
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** All that TensorFlow did in a step, and with what. */
export interface Trace {
  readonly nodes: readonly TracedNode[];
  readonly feeds: readonly TracedFeed[];
  readonly constants: readonly TensorValue[];
  /** Those that the step reads or assigns. */
  readonly variables: readonly Variable[];
  /** What the variables hold after the step, by their index. */
  readonly assigned: ReadonlyMap<number, Source>;
  readonly results: readonly Source[];
  /** Assignments of which is known that they can be made in place, with sources instead of ids. */
  readonly inPlace: readonly InPlaceUpdate<Source>[];
}

export interface Traced {
  readonly trace: Trace;
  readonly results: Tensor[];
  /** Puts the variables back to what they held before the step. */
  undo(): void;
  /** Lets go of what `undo` needs. */
  release(): void;
}

/**
 * Takes one step as ever and writes down each operation that TensorFlow is given, gradients and optimizer included.
 *
 * @throws CompileError if the step does what no graph can; the variables are then as they were before
 */
export function traceStep(backend: TensorFlowBackend, step: Step): Traced {
  const variables = allVariables();
  const before = new Map(variables.map((variable) => [variable, keep(variable.clone())]));
  const undo = () => {
    for (const [variable, value] of before) if (!variable.isDisposed) variable.assign(value);
  };
  const release = () => dispose([...before.values()]);
  const recorder = new Recorder(backend, variables);
  const { binding } = backend;
  try {
    backend.binding = recorder.binding();
    const results = withFeeder(
      (make) => recorder.feed(make),
      () => tidy(() => step()),
    );
    const trace = recorder.finish(results);
    return { trace, results, undo, release };
  } catch (error) {
    backend.binding = binding;
    undo();
    release();
    throw error;
  } finally {
    backend.binding = binding;
  }
}

function allVariables(): Variable[] {
  return Object.values(engine().state.registeredVariables);
}

class Recorder {
  readonly #backend: TensorFlowBackend;
  readonly #real: Binding;
  readonly #nodes: TracedNode[] = [];
  readonly #feeds: TracedFeed[] = [];
  readonly #constants: TensorValue[] = [];
  readonly #inPlace: InPlaceUpdate<Source>[] = [];
  readonly #variables: readonly Variable[];
  readonly #held: readonly number[];
  #calls = 0;
  /** The one under way, of those whose operations belong together. */
  #call: number | undefined;
  /** Of every tensor that the step could see, by id; TensorFlow's ids are never used again. */
  readonly #sources = new Map<number, Source>();

  constructor(backend: TensorFlowBackend, variables: readonly Variable[]) {
    this.#backend = backend;
    this.#real = backend.binding;
    this.#variables = variables;
    this.#held = backend.getInputTensorIds(variables);
    for (const [variable, id] of this.#held.entries()) {
      if (!this.#sources.has(id)) this.#sources.set(id, { from: 'variable', variable });
    }
  }

  binding(): Binding {
    const watched: Pick<Binding, 'createTensor' | 'executeOp' | 'tensorDataSync' | 'inPlace' | 'together'> = {
      createTensor: (shape, dtype, values) => {
        const id = this.#real.createTensor(shape, dtype, values);
        const value = { dtype, shape: [...shape], data: values.slice() };
        this.#sources.set(id, { from: 'constant', constant: this.#constants.push(value) - 1 });
        return id;
      },
      executeOp: (op, attributes, inputs, outputCount) => {
        const sources = inputs.map((id) => this.#sourceOf(id));
        const handles = this.#real.executeOp(op, attributes, inputs, outputCount);
        const outputs = handles.map(({ shape, dtype }) => ({ shape, dtype }));
        const node = this.#nodes.push({ op, attributes, inputs: sources, outputs, call: this.#call }) - 1;
        for (const [output, { id }] of handles.entries()) {
          this.#sources.set(id, { from: 'node', node, output });
        }
        return handles;
      },
      tensorDataSync: (id) => {
        const source = this.#sourceOf(id);
        const op = source.from === 'node' ? this.#nodes[source.node].op : source.from;
        throw new CompileError(
          op,
          `A compiled step must not read tensors, but what ${op} gave is read on the host (data, dataSync or array); ` +
            'return it as a result of the step, or do not compile the step.',
        );
      },
      together: (kernel) => {
        this.#call = this.#calls++;
        try {
          return kernel();
        } finally {
          this.#call = undefined;
        }
      },
      inPlace: (update) => {
        const entries = Object.entries(update.inputs).map(([name, id]) => [name, this.#sourceOf(id)]);
        const outputs = update.outputs.map((id) => this.#sourceOf(id));
        this.#inPlace.push({ ...update, inputs: Object.fromEntries(entries), outputs });
      },
    };
    return Object.create(this.#real, Object.getOwnPropertyDescriptors(watched)) as Binding;
  }

  feed(make: () => HostTensor): Tensor {
    const host = make();
    const tensor = fromHost(host);
    const [id] = this.#backend.getInputTensorIds([tensor]);
    const { dtype } = this.#backend.tensorMap.get(tensor.dataId);
    const feed = this.#feeds.push({ make, shape: [...host.shape], dtype }) - 1;
    this.#sources.set(id, { from: 'feed', feed });
    return tensor;
  }

  finish(results: readonly Tensor[]): Trace {
    const sources = this.#backend.getInputTensorIds(results).map((id) => this.#sourceOf(id));
    const known = new Set(this.#variables);
    if (allVariables().some((variable) => !known.has(variable))) {
      throw new CompileError('Variable', 'A compiled step must not make variables; make them before it.');
    }
    const ids = this.#backend.getInputTensorIds(this.#variables);
    const assigned = new Map<number, Source>();
    for (const [variable, id] of ids.entries()) {
      if (id === this.#held[variable]) continue;
      if (this.#held.indexOf(this.#held[variable]) !== this.#held.lastIndexOf(this.#held[variable])) {
        throw new CompileError(
          'Variable',
          `The step assigns ${this.#variables[variable].name}, which shares its memory with another variable; make one a clone.`,
        );
      }
      assigned.set(variable, this.#sourceOf(id));
    }
    return {
      nodes: this.#nodes,
      feeds: this.#feeds,
      constants: this.#constants,
      variables: this.#variables,
      assigned,
      results: sources,
      inPlace: this.#inPlace,
    };
  }

  /** A tensor from before the step becomes a constant of its graph. */
  #sourceOf(id: number): Source {
    const known = this.#sources.get(id);
    if (known !== undefined) return known;
    const [{ id: copy, shape, dtype }] = this.#real.executeOp('Identity', [], [id], 1);
    this.#real.deleteTensor(copy);
    const data = this.#real.tensorDataSync(id);
    const source: Source = {
      from: 'constant',
      constant: this.#constants.push({ dtype, shape, data }) - 1,
    };
    this.#sources.set(id, source);
    return source;
  }
}
