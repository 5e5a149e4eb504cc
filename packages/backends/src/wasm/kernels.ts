import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  type DataType,
  getKernel,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import * as binaries from './kernel-binaries.js';

/** The numbers by which assembly/index.ts knows its kernels. */
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
} as const;

/** One call of a kernel. */
export interface Command {
  readonly kernel: keyof typeof numbers;
  /** Into how many parts the work is cut; see the kernel. */
  readonly units: number;
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
  /** A new tensor, not yet written. */
  output(shape: readonly number[], dtype?: DataType): TensorInfo;
  /** Memory that all threads see, until the next call of it. */
  scratch(bytes: number): number;
  /** Makes sure that each thread has so much memory of its own. */
  reserve(bytesPerThread: number): void;
}

/** The bytes of a command and of what precedes its arguments; as in assembly/index.ts. */
const COMMAND = 128;
const ARGUMENTS = 16;

const word = new DataView(new ArrayBuffer(4));

/** A float32 as the integer that has its bits. */
export function bitsOf(value: number): number {
  word.setFloat32(0, value);
  return word.getInt32(0);
}

/** What of tfjs-backend-wasm's module its types leave out. */
interface TfjsModule {
  readonly asm: { readonly memory: WebAssembly.Memory };
  _malloc(bytes: number): number;
  _free(offset: number): void;
}

interface Exports {
  readonly run: (commands: number, count: number, scratch: number) => void;
}

/** Compiles the kernels on the memory of a backend that has started. */
export async function loadKernels(backend: BackendWasm, relaxed: boolean): Promise<Kernels> {
  const { asm, _malloc: malloc, _free: free } = backend.wasm as unknown as TfjsModule;
  const { memory } = asm;
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const binary = binaryFor(relaxed, shared);
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  const { run } = instance.exports as unknown as Exports;

  let view = new Int32Array(memory.buffer);
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
  const list = growing();
  const scratch = growing();
  const ofThread = growing();

  return {
    run(commands) {
      const at = list(commands.length * COMMAND);
      const own = ofThread(0);
      if (view.buffer !== memory.buffer) view = new Int32Array(memory.buffer);
      for (const [i, { kernel, units, args }] of commands.entries()) {
        const start = (at + i * COMMAND) >> 2;
        view[start] = numbers[kernel];
        view[start + 1] = units;
        view.set(args, start + ARGUMENTS / 4);
      }
      run(at, commands.length, own);
    },
    offsetOf(tensor) {
      return tensor === undefined ? 0 : (backend.dataIdMap.get(tensor.dataId).memoryOffset as number);
    },
    output(shape, dtype = 'float32') {
      return backend.makeOutput(shape as number[], dtype);
    },
    scratch,
    reserve: ofThread,
  };
}

/** Registers `MiniGPT.<name>` for tfjs-backend-wasm. */
export function registerWasmKernel(
  name: string,
  kernels: Kernels,
  kernel: (context: KernelContext) => TensorInfo | TensorInfo[],
): void {
  const kernelName = `MiniGPT.${name}`;
  // One that is there already belongs to the memory of a backend that was started before.
  if (getKernel(kernelName, 'wasm') !== undefined) unregisterKernel(kernelName, 'wasm');
  registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) =>
      kernel({ inputs: inputs as Record<string, TensorInfo>, attrs: attrs ?? {}, kernels }),
  });
}

export const sizeOf = ({ shape }: TensorInfo): number => util.sizeFromShape(shape);

/** How many parts of `size` cover `count`. */
export const parts = (count: number, size: number): number => Math.ceil(count / size);

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
