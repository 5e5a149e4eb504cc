import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  type DataType,
  getKernel,
  type KernelConfig,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import * as binaries from './kernel-binaries.js';
import { startThread } from './threads.ts';

/** The numbers by which assembly/commands.ts knows its kernels. */
const numbers = {
  packForProduct: 0,
  multiply: 1,
  multiplyFewTransposed: 2,
  multiplyFew: 3,
  activation: 4,
  activationGradient: 5,
  swiglu: 6,
  swigluGradient: 7,
  scale: 8,
  squaredSums: 9,
  rootOfSum: 10,
  adamW: 11,
  layerNorm: 12,
  normGradient: 13,
  rmsNorm: 14,
  sumRows: 15,
  embeddingGradient: 16,
  crossEntropy: 17,
  crossEntropyGradient: 18,
  rope: 19,
  attention: 20,
  attentionGradient: 21,
  attentionOfFew: 22,
  copyBlocks: 23,
  gatherRows: 24,
  combine: 25,
  transform: 26,
  convert: 27,
  reduce: 28,
  softmax: 29,
  fill: 30,
  checkIds: 31,
  scatterRows: 32,
  dropout: 33,
} as const;

/** One call of a kernel. */
export interface Command {
  readonly kernel: keyof typeof numbers;
  /** Into how many parts the work is cut; see the kernel. */
  readonly units: number;
  /** Roughly how many floating-point operations it takes: little is done faster by one thread alone. */
  readonly work: number;
  /** One 32-bit word each, in the order that the kernel documents: offsets, integers, and floats as {@link bitsOf} them. */
  readonly args: readonly number[];
}

/** What a kernel of ours is made with. */
export interface KernelContext {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: NamedAttrMap;
  readonly kernels: Kernels;
}

/** The kernels of assembly/ on the memory of tfjs-backend-wasm. */
export interface Kernels {
  /** Runs a list of commands, each when the one before it is done. */
  run(commands: readonly Command[]): void;
  /** Where a tensor lies; 0 for none. */
  offsetOf(tensor: TensorInfo | undefined): number;
  /**
   * Makes sure that int32 ids are rows of a table that has `count`.
   *
   * @throws Error, or has the program throw one, that names `op`
   */
  checkIds(op: string, ids: TensorInfo, count: number): void;
  /** A new tensor, not yet written. */
  output(shape: readonly number[], dtype?: DataType): TensorInfo;
  /**
   * A tensor for what takes the place of `x`: in the memory of `x` where nothing else holds that, so what is written there must
   * depend on what `x` has at the same place only.
   */
  outputOver(x: TensorInfo): TensorInfo;
  /** As {@link Kernels.outputOver}, but `x` stays as it is, except in a program that knows that nobody reads it any more. */
  outputFrom(x: TensorInfo): TensorInfo;
  /** Memory that all threads see, until the next call of it. */
  scratch(bytes: number): number;
  /** Makes sure that each thread has so much memory of its own. */
  reserve(bytesPerThread: number): void;
}

/** The kernels where they are loaded, ready to compute. */
export interface LoadedKernels extends Kernels {
  /** Prepares a list of commands, of any length, to be run many times. */
  prepare(commands: readonly Command[]): PreparedCommands;
  /** Memory that stays where it is until it is freed. */
  allocate(bytes: number): number;
  free(offset: number): void;
  /** The words of the memory; to be asked for anew where memory may have grown. */
  words(): Int32Array;
}

/** A list of commands as it lies in memory. */
export interface PreparedCommands {
  run(): void;
  free(): void;
}

/** The bytes of a command and of what precedes its arguments; as in assembly/commands.ts. */
const COMMAND = 128;
const ARGUMENTS = 16;
/** Words of a command. */
const NEXT_UNIT = 2;
const UNITS_DONE = 3;

const word = new DataView(new ArrayBuffer(4));

/** A float32 as the integer that has its bits. */
export function bitsOf(value: number): number {
  word.setFloat32(0, value);
  return word.getInt32(0);
}

/** What of tfjs-backend-wasm's module its types leave out. */
export interface TfjsModule {
  readonly asm: { readonly memory: WebAssembly.Memory };
  _malloc(bytes: number): number;
  _free(offset: number): void;
}

interface Exports {
  run(commands: number, count: number, scratch: number): void;
  nextList(sync: number): number;
  runTogether(sync: number, commands: number, count: number): void;
}

/** From so much work on, about 0.1 ms, a list of commands is shared among the threads. */
const SHARED_WORK = 2e6;
/** The bytes of the place where the threads meet, and three of its words; as in assembly/threads.ts. */
const SYNC = 128;
const MAY_SLEEP = 3;
const SCRATCH = 4;
const SCRATCH_SIZE = 5;
/** Lists that threads may be reading, and one that they never do. */
const SHARED_LISTS = 4;
const LISTS = SHARED_LISTS + 1;
/** Commands in a list at most; more make several lists. */
const LIST_LENGTH = 64;

export interface KernelOptions {
  /** Whether the engine has relaxed SIMD. */
  readonly relaxed: boolean;
  /** Counts the calling one; more than one need a shared memory. */
  readonly threads: number;
}

/** Compiles the kernels on the memory of a backend that has started. */
export async function loadKernels(
  backend: BackendWasm,
  { relaxed, threads }: KernelOptions,
): Promise<LoadedKernels> {
  const { asm, _malloc: malloc, _free: free } = backend.wasm as unknown as TfjsModule;
  const { memory } = asm;
  const module = await WebAssembly.compile(binaryFor(relaxed, isShared(memory)));
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const { run, nextList, runTogether } = instance.exports as unknown as Exports;

  let view = new Int32Array(memory.buffer);
  /** The words of the memory, which a larger one may have replaced. */
  const words = () => {
    if (view.buffer !== memory.buffer) view = new Int32Array(memory.buffer);
    return view;
  };
  const growing = () => {
    let offset = 0;
    let size = 0;
    return (bytes: number) => {
      if (bytes > size) {
        if (size > 0) free(offset);
        offset = malloc(bytes) >>> 0;
        size = bytes;
      }
      return offset;
    };
  };
  const scratch = growing();
  const ofThreads = growing();
  const lists = malloc(LISTS * LIST_LENGTH * COMMAND) >>> 0;
  const sync = malloc(SYNC) >>> 0;
  const meeting = sync >>> 2;
  words().fill(0, meeting, meeting + SYNC / 4);
  words()[meeting + MAY_SLEEP] = Number(maySleep());
  for (let thread = 1; thread < threads; thread++) startThread({ module, memory, sync, thread });

  const isLarge = (commands: readonly Command[]) =>
    threads > 1 && commands.reduce((sum, { work }) => sum + work, 0) >= SHARED_WORK;

  function runList(commands: readonly Command[]): void {
    const together = isLarge(commands);
    const list = together ? nextList(sync) : SHARED_LISTS;
    const at = lists + list * LIST_LENGTH * COMMAND;
    writeCommands(words(), at, commands);
    if (together) runTogether(sync, at, commands.length);
    else run(at, commands.length, words()[meeting + SCRATCH]);
  }

  function prepare(commands: readonly Command[]): PreparedCommands {
    const together = isLarge(commands);
    const bytes = commands.length * COMMAND;
    // One for each list that a late thread may still be reading.
    const copies = together ? SHARED_LISTS : 1;
    const at = malloc(copies * bytes) >>> 0;
    for (let copy = 0; copy < copies; copy++) writeCommands(words(), at + copy * bytes, commands);
    return {
      run() {
        if (!together) {
          run(at, commands.length, words()[meeting + SCRATCH]);
          return;
        }
        const list = at + nextList(sync) * bytes;
        const view = words();
        for (let start = list >>> 2, i = 0; i < commands.length; i++, start += COMMAND / 4) {
          view[start + NEXT_UNIT] = 0;
          view[start + UNITS_DONE] = 0;
        }
        runTogether(sync, list, commands.length);
      },
      free: () => free(at),
    };
  }

  return {
    run(commands) {
      for (let first = 0; first < commands.length; first += LIST_LENGTH) {
        runList(commands.slice(first, first + LIST_LENGTH));
      }
    },
    offsetOf(tensor) {
      return tensor === undefined ? 0 : (backend.dataIdMap.get(tensor.dataId).memoryOffset as number);
    },
    checkIds(op, ids, count) {
      for (const id of backend.typedArrayFromHeap(ids)) {
        util.assert(id >= 0 && id < count, () => wrongId(op, id, count));
      }
    },
    output(shape, dtype = 'float32') {
      return backend.makeOutput(shape as number[], dtype);
    },
    outputOver({ dataId, shape, dtype }) {
      if (backend.refCount(dataId) > 1) return backend.makeOutput(shape, dtype);
      backend.incRef(dataId);
      return { dataId, shape, dtype };
    },
    outputFrom({ shape, dtype }) {
      return backend.makeOutput(shape, dtype);
    },
    scratch,
    reserve(bytesPerThread) {
      if (bytesPerThread <= words()[meeting + SCRATCH_SIZE]) return;
      const at = ofThreads(bytesPerThread * threads);
      words()[meeting + SCRATCH] = at;
      words()[meeting + SCRATCH_SIZE] = bytesPerThread;
    },
    prepare,
    allocate: (bytes) => malloc(bytes) >>> 0,
    free,
    words,
  };
}

function writeCommands(view: Int32Array, at: number, commands: readonly Command[]): void {
  for (const [i, { kernel, units, args }] of commands.entries()) {
    const start = (at + i * COMMAND) >>> 2;
    view[start] = numbers[kernel];
    view[start + 1] = units;
    view[start + NEXT_UNIT] = 0;
    view[start + UNITS_DONE] = 0;
    view.set(args, start + ARGUMENTS / 4);
  }
}

export function wrongId(op: string, id: number, count: number): string {
  return `${op}: the index ${id} is not in [0, ${count - 1}]`;
}

/** Whether this thread may sleep: the main one of a browser may not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** A kernel of ours; it gives nothing where it cannot do what it is asked for. */
export type WasmKernel = (context: KernelContext) => TensorInfo | TensorInfo[] | undefined;

const registered = new Map<string, WasmKernel>();

/** The kernel of ours that tfjs runs by this name. */
export function wasmKernel(kernelName: string): WasmKernel | undefined {
  return registered.get(kernelName);
}

/** Registers `MiniGPT.<name>` for tfjs-backend-wasm. */
export function registerWasmKernel(
  name: string,
  kernels: Kernels,
  kernel: (context: KernelContext) => TensorInfo | TensorInfo[],
): void {
  const kernelName = `MiniGPT.${name}`;
  registered.set(kernelName, kernel);
  // One that is there already belongs to the memory of a backend that was started before.
  if (getKernel(kernelName, 'wasm') !== undefined) unregisterKernel(kernelName, 'wasm');
  registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) =>
      kernel({ inputs: inputs as Record<string, TensorInfo>, attrs: attrs ?? {}, kernels }),
  });
}

const replaced = new Map<string, KernelConfig['kernelFunc']>();

/** Takes the place of tfjs's own kernel of that name, which is still asked where the replacement gives nothing. */
export function replaceWasmKernel(kernelName: string, kernels: Kernels, replacement: WasmKernel): void {
  const { kernelFunc: current, ...config } = getKernel(kernelName, 'wasm');
  const original = replaced.get(kernelName) ?? current;
  replaced.set(kernelName, original);
  registered.set(kernelName, replacement);
  unregisterKernel(kernelName, 'wasm');
  registerKernel({
    ...config,
    kernelFunc: (params) => {
      const inputs = params.inputs as unknown as Record<string, TensorInfo>;
      return replacement({ inputs, attrs: params.attrs ?? {}, kernels }) ?? original(params);
    },
  });
}

/** How many parts of `size` cover `count`. */
export const parts = (count: number, size: number): number => Math.ceil(count / size);

export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
}

function binaryFor(relaxed: boolean, shared: boolean): Uint8Array<ArrayBuffer> {
  const text = atob(relaxed ? binaries.relaxed : binaries.plain);
  const binary = Uint8Array.from(text, (character) => character.charCodeAt(0));
  if (!shared) importUnshared(binary);
  return binary;
}

/** The kernels import a shared memory; without its flag they take one that is not. */
function importUnshared(binary: Uint8Array): void {
  const name = new TextEncoder().encode('\x03env\x06memory\x02\x03');
  const start = binary.findIndex((_, i) => name.every((byte, j) => binary[i + j] === byte));
  binary[start + name.length - 1] = 1;
}
