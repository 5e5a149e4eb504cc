import type { KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { InPlaceUpdate } from './in-place-update.ts';

/** A tensor of TensorFlow: what an operation gives back, and by whose `id` it is named from then on. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: readonly number[];
  /** TensorFlow's number of the type: see {@link Binding}. */
  readonly dtype: number;
}

/** An attribute of an operation; `type` is one of the binding's `TF_ATTR_…`, which says how `value` is read. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** A tensor's values in the memory of JavaScript. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** What tfjs-node's native module offers: TensorFlow's eager interface by tensor ids, and saved models. */
export interface Binding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  /** The tensor shares the memory of `values`, which must not be changed while it lives. */
  createTensor(shape: readonly number[], dtype: number, values: TensorData): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): TensorData;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputCount: number,
  ): TensorHandle[];
  loadSavedModel(folder: string, tags: string): number;
  /** @param inputs, @param outputs names of tensors in the graph, with commas between them. */
  runSavedModel(model: number, inputIds: readonly number[], inputs: string, outputs: string): TensorHandle[];
  deleteSavedModel(model: number): void;
  /** Ours, present while a step is traced: runs a kernel whose operations a compiler should fuse. */
  together?<T>(kernel: () => T): T;
  /** Ours, present while a step is traced: takes word of an update that a kernel has just made. */
  inPlace?(update: InPlaceUpdate<number>): void;
}

/** What tfjs-node's backend keeps of each tensor. Where `values` are set they have not been given to TensorFlow yet. */
export interface TensorEntry {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: TensorData | null;
  readonly id: number;
  readonly refCount: number;
}

/** tfjs-node's backend, as far as we reach into it. */
export interface TensorFlowBackend extends KernelBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {
    get(dataId: object): TensorEntry;
    set(dataId: object, entry: TensorEntry): void;
    has(dataId: object): boolean;
  };
  /** The ids of tensors, which are given to TensorFlow first where that has not happened. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(handle: TensorHandle): Tensor;
}
