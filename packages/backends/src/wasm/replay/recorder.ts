import { fromHost, type HostTensor } from '@minigpt/core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  Cast,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  OnesLike,
  type Tensor,
  type TensorInfo,
  type Variable,
  ZerosLike,
} from '@tensorflow/tfjs-core';
import {
  assignedVariables,
  type Recorder,
  readInside,
  type Source,
  type Trace,
  type TracedConstant,
  type TracedFeed,
  type TracedNode,
} from '../../compile/trace.ts';

/** A tensor as a kernel sees it. */
export interface TensorShape {
  readonly shape: readonly number[];
  readonly dtype: TensorInfo['dtype'];
}

/** A kernel of tfjs's registry, as the step ran it. */
export interface KernelNode extends TracedNode {
  readonly attributes: {
    /** In the order of `inputs`. */
    readonly inputs: readonly (TensorShape & { readonly name: string })[];
    readonly attrs: NamedAttrMap;
  };
  readonly outputs: readonly TensorShape[];
}

export interface KernelConstant extends TracedConstant {
  readonly data: Uint8Array;
}

export type KernelTrace = Trace<KernelNode, KernelConstant>;

/** Kernels whose result does not depend on the values of what they are given. */
const VALUE_FREE = new Set([ZerosLike, OnesLike]);

/**
 * Writes down which kernels tfjs runs. Tensors are known by their memory, so whatever only gives it another shape leaves no
 * trace, and what is computed from constants alone is a constant.
 */
export class KernelRecorder implements Recorder<KernelTrace> {
  readonly #backend: BackendWasm;
  readonly #variables: readonly Variable[];
  readonly #held: readonly object[];
  readonly #nodes: KernelNode[] = [];
  readonly #feeds: TracedFeed[] = [];
  readonly #constants: KernelConstant[] = [];
  readonly #sources = new Map<object, Source>();

  constructor(backend: BackendWasm, variables: readonly Variable[]) {
    this.#backend = backend;
    this.#variables = variables;
    this.#held = variables.map(({ dataId }) => dataId);
    for (const [variable, memory] of this.#held.entries()) {
      if (!this.#sources.has(memory)) this.#sources.set(memory, { from: 'variable', variable });
    }
  }

  watch(): () => void {
    const tfjs: Pick<ReturnType<typeof engine>, 'runKernel'> = engine();
    const { runKernel } = tfjs;
    let inKernel = false;
    const run = (name: string, inputs: NamedTensorMap, attrs: NamedAttrMap = {}) => {
      const given = Object.entries(inputs).filter(([, input]) => input != null);
      const sources = given.map(([, input]) => this.#sourceOf(input));
      inKernel = true;
      try {
        const results = runKernel.call(tfjs, name, inputs, attrs) as Tensor | Tensor[];
        this.#record(name, given, attrs, sources, Array.isArray(results) ? results : [results]);
        return results;
      } finally {
        inKernel = false;
      }
    };
    tfjs.runKernel = run as typeof runKernel;
    const { readSync } = this.#backend;
    const read: typeof readSync = (dataId, ...range) => {
      if (inKernel) return readSync.call(this.#backend, dataId, ...range);
      const source = this.#sources.get(dataId);
      throw readInside(source?.from === 'node' ? this.#nodes[source.node].op : (source?.from ?? 'constant'));
    };
    this.#backend.readSync = read;
    return () => {
      tfjs.runKernel = runKernel;
      this.#backend.readSync = readSync;
    };
  }

  feed(make: () => HostTensor): Tensor {
    const host = make();
    const tensor = fromHost(host);
    const feed = this.#feeds.push({ make, shape: [...host.shape], dtype: host.dtype }) - 1;
    this.#sources.set(tensor.dataId, { from: 'feed', feed });
    return tensor;
  }

  finish(results: readonly Tensor[]): KernelTrace {
    const holds = this.#variables.map(({ dataId }) => dataId as object);
    const sourceOf = (memory: object) => this.#sources.get(memory) ?? this.#ofVariable(memory);
    return {
      nodes: this.#nodes,
      feeds: this.#feeds,
      constants: this.#constants,
      variables: this.#variables,
      assigned: assignedVariables(this.#variables, this.#held, holds, sourceOf),
      results: results.map((result) => this.#sourceOf(result)),
    };
  }

  #record(
    op: string,
    given: readonly [string, TensorInfo][],
    attrs: NamedAttrMap,
    inputs: readonly Source[],
    results: readonly Tensor[],
  ): void {
    if (results.every(({ dataId }) => this.#sources.has(dataId))) return; // the same memory in another shape
    if (op === Cast && results[0].dtype === given[0][1].dtype) {
      this.#sources.set(results[0].dataId, inputs[0]); // a copy, which tfjs makes
      return;
    }
    if (VALUE_FREE.has(op) || inputs.every(({ from }) => from === 'constant')) {
      for (const result of results) this.#sourceOf(result);
      return;
    }
    const node = this.#nodes.push({
      op,
      attributes: { inputs: given.map(([name, input]) => ({ name, ...shapeOf(input) })), attrs },
      inputs,
      outputs: results.map(shapeOf),
    });
    for (const [output, { dataId }] of results.entries()) {
      this.#sources.set(dataId, { from: 'node', node: node - 1, output });
    }
  }

  /** A tensor from before the step, or of host data, becomes a constant. */
  #sourceOf(tensor: TensorInfo): Source {
    const known = this.#sources.get(tensor.dataId);
    if (known !== undefined) return known;
    const { buffer, byteOffset, byteLength } = this.#backend.typedArrayFromHeap(tensor);
    const data = new Uint8Array(buffer, byteOffset, byteLength).slice();
    const source: Source = {
      from: 'constant',
      constant: this.#constants.push({ ...shapeOf(tensor), data }) - 1,
    };
    this.#sources.set(tensor.dataId, source);
    return source;
  }

  /** What a variable was assigned from outside of any kernel. */
  #ofVariable(memory: object): Source {
    return this.#sourceOf(this.#variables.find(({ dataId }) => dataId === memory) as Variable);
  }
}

function shapeOf({ shape, dtype }: TensorInfo): TensorShape {
  return { shape: [...shape], dtype };
}
