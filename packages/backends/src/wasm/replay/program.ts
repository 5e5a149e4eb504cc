import { CompileError, type HostTensor } from '@minigpt/core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { engine, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { Program } from '../../compile/compile-step.ts';
import { type LoadedKernels, type PreparedCommands, wrongId } from '../kernels.ts';
import { type Lowered, lower } from './lower.ts';
import type { KernelTrace, TensorShape } from './recorder.ts';
import { type Schedule, scheduleOf } from './schedule.ts';

/** A list of commands that has been prepared, and the variables' memory that it was prepared for. */
interface Prepared {
  readonly lowered: Lowered;
  readonly compute: PreparedCommands;
  readonly commit: PreparedCommands;
  /** Of each variable that is read or assigned. */
  readonly memory: readonly object[];
  /** What tfjs keeps of the memory of each variable that is assigned. */
  readonly assigned: readonly { readonly refCount: number }[];
}

/**
 * A traced step as lists of commands on memory of its own, in which nothing is allocated from run to run. Variables stay where
 * tfjs has them and are changed there; where one has come to lie elsewhere, the commands are written anew.
 */
export class ReplayProgram implements Program {
  readonly #backend: BackendWasm;
  readonly #kernels: LoadedKernels;
  readonly #trace: KernelTrace;
  readonly #onlyIfFinite: boolean;
  #schedule: Schedule;
  readonly #variables: readonly Variable[];
  readonly #assigned: readonly Variable[];
  readonly #base: number;
  #prepared: Prepared | undefined;

  constructor(
    backend: BackendWasm,
    kernels: LoadedKernels,
    trace: KernelTrace,
    { onlyIfFinite }: { readonly onlyIfFinite: boolean },
  ) {
    this.#backend = backend;
    this.#kernels = kernels;
    this.#trace = trace;
    this.#onlyIfFinite = onlyIfFinite;
    this.#schedule = scheduleOf(trace, onlyIfFinite);
    this.#variables = this.#schedule.variables.map((variable) => trace.variables[variable]);
    this.#assigned = [...trace.assigned.keys()].map((variable) => trace.variables[variable]);
    // How much memory it takes does not depend on where it lies.
    let lowered = this.#lower(0);
    if (lowered.computedIds.length > 0 && !onlyIfFinite) {
      this.#schedule = scheduleOf(trace, true);
      lowered = this.#lower(0);
    }
    const { bytes, constants } = lowered;
    this.#base = kernels.allocate(bytes);
    for (const [i, { data }] of trace.constants.entries()) {
      this.#bytes().set(data, this.#base + constants[i]);
    }
  }

  run(feeds: readonly HostTensor[]): Tensor[] {
    const { lowered, compute, commit } = this.#ready();
    for (const { op, feed, count } of lowered.fedIds) {
      const wrong = feeds[feed].data.find((id) => id < 0 || id >= count);
      if (wrong !== undefined) throw noSuchId(op, wrong, count);
    }
    const words = this.#kernels.words();
    words[lowered.status >>> 2] = 0;
    words[(lowered.status >>> 2) + 1] = 0;
    const bytes = this.#bytes();
    for (const [i, { data }] of feeds.entries()) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), lowered.feeds[i]);
    }
    compute.run();
    this.#checkIds(lowered);
    if (!this.#onlyIfFinite || this.#isFinite(lowered)) commit.run();
    return lowered.results.map((at, i) => this.#tensorOf(this.#resultShape(i), at));
  }

  dispose(): void {
    this.#prepared?.compute.free();
    this.#prepared?.commit.free();
    this.#kernels.free(this.#base);
  }

  #lower(base: number): Lowered {
    return lower({
      trace: this.#trace,
      schedule: this.#schedule,
      base,
      variableAt: (variable) => this.#offsetOf(this.#trace.variables[variable]),
      kernels: this.#kernels,
    });
  }

  /** The commands for where the variables lie now. */
  #ready(): Prepared {
    const known = this.#prepared;
    const fits =
      known?.memory.every((dataId, i) => this.#variables[i].dataId === dataId) &&
      known.assigned.every(({ refCount }) => refCount === 1);
    if (known !== undefined && fits) return known;
    known?.compute.free();
    known?.commit.free();
    this.#separate();
    const lowered = this.#lower(this.#base);
    const [compute, commit] = [lowered.compute, lowered.commit].map(this.#kernels.prepare);
    const memory = this.#variables.map(({ dataId }) => dataId);
    const assigned = this.#assigned.map(({ dataId }) => this.#backend.dataIdMap.get(dataId));
    this.#prepared = { lowered, compute, commit, memory, assigned };
    return this.#prepared;
  }

  /** Gives variables that share their memory with a copy, which must not change with them, memory of their own. */
  #separate(): void {
    for (const variable of this.#assigned) {
      if (this.#backend.refCount(variable.dataId) === 1) continue;
      const copy = this.#tensorOf(variable as TensorShape, this.#offsetOf(variable));
      variable.assign(copy);
      copy.dispose();
    }
  }

  #checkIds({ status, computedIds: [op] }: Lowered): void {
    const [id, count] = this.#kernels.words().subarray(status >>> 2);
    if (count !== 0) throw noSuchId(op, id, count);
  }

  #isFinite({ results }: Lowered): boolean {
    const { buffer } = this.#kernels.words();
    return results.every((at, i) => {
      const { shape, dtype } = this.#resultShape(i);
      if (dtype !== 'float32') return true;
      const count = shape.reduce((product, size) => product * size, 1);
      return new Float32Array(buffer, at, count).every(Number.isFinite);
    });
  }

  #resultShape(i: number): TensorShape {
    const source = this.#trace.results[i];
    switch (source.from) {
      case 'node':
        return this.#trace.nodes[source.node].outputs[source.output];
      case 'feed':
        return this.#trace.feeds[source.feed];
      case 'constant':
        return this.#trace.constants[source.constant] as TensorShape;
      case 'variable':
        return this.#trace.variables[source.variable];
    }
  }

  /** A tensor of tfjs with what lies there. */
  #tensorOf({ shape, dtype }: TensorShape, at: number): Tensor {
    const made = this.#backend.makeOutput([...shape], dtype);
    const { buffer, byteOffset, byteLength } = this.#backend.typedArrayFromHeap(made);
    new Uint8Array(buffer).copyWithin(byteOffset, at, at + byteLength);
    return engine().makeTensorFromTensorInfo(made);
  }

  #offsetOf({ dataId }: Variable): number {
    return this.#backend.dataIdMap.get(dataId).memoryOffset;
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#kernels.words().buffer);
  }
}

function noSuchId(op: string, id: number, count: number): CompileError {
  return new CompileError(op, `The compiled step was not taken: ${wrongId(op, id, count)}.`);
}
