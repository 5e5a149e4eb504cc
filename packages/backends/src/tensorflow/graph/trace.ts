import { fromHost, type HostTensor } from '@minigpt/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import {
  assignedVariables,
  type Recorder,
  readInside,
  type Source,
  type Trace,
  type TracedFeed,
  type TracedNode,
} from '../../compile/trace.ts';
import type { Binding, OpAttribute, TensorFlowBackend, TensorHandle } from '../binding.ts';
import type { InPlaceUpdate } from '../in-place-update.ts';
import type { TensorValue } from './graph-def.ts';

/** An operation of the step, as TensorFlow was given it. */
interface GraphNode extends TracedNode {
  readonly attributes: readonly OpAttribute[];
  readonly outputs: readonly Pick<TensorHandle, 'shape' | 'dtype'>[];
  /** The call of a kernel whose operations are to be compiled together, if it is part of one. */
  readonly call?: number;
}

/** All that TensorFlow did in a step, and with what. */
export interface GraphTrace extends Trace<GraphNode, TensorValue> {
  /** Assignments of which is known that they can be made in place, with sources instead of ids. */
  readonly inPlace: readonly InPlaceUpdate<Source>[];
}

/** Writes down what TensorFlow's binding is asked for. */
export class GraphRecorder implements Recorder<GraphTrace> {
  readonly #backend: TensorFlowBackend;
  readonly #real: Binding;
  readonly #nodes: GraphNode[] = [];
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

  watch(): () => void {
    this.#backend.binding = this.#watched();
    return () => {
      this.#backend.binding = this.#real;
    };
  }

  #watched(): Binding {
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
        throw readInside(source.from === 'node' ? this.#nodes[source.node].op : source.from);
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
    const feed = this.#feeds.push({ make, shape: [...host.shape], dtype: host.dtype }) - 1;
    this.#sources.set(id, { from: 'feed', feed });
    return tensor;
  }

  finish(results: readonly Tensor[]): GraphTrace {
    const sources = this.#backend.getInputTensorIds(results).map((id) => this.#sourceOf(id));
    const holds = this.#backend.getInputTensorIds(this.#variables);
    return {
      nodes: this.#nodes,
      feeds: this.#feeds,
      constants: this.#constants,
      variables: this.#variables,
      assigned: assignedVariables(this.#variables, this.#held, holds, (id) => this.#sourceOf(id)),
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
