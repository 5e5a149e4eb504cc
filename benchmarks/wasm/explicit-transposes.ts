import { type BackendWasm, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import {
  BatchMatMul,
  getKernel,
  type KernelFunc,
  registerKernel,
  setBackend,
  type TensorInfo,
  Transpose,
  util,
} from '@tensorflow/tfjs-core';

/**
 * The products of tfjs-backend-wasm as well as they can be had without kernels of one's own: the baseline.
 *
 * Only its product of two plain matrices runs on XNNPACK (20 GFLOP/s and more); transposed or batched ones fall back to a
 * scalar loop that is 15 to 30 times slower. So transposes are made explicitly and a batch is multiplied one matrix at a
 * time, on views into the memory of the whole.
 */
const matMul: KernelFunc = ({ inputs, attrs, backend: anyBackend }) => {
  const backend = anyBackend as BackendWasm;
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const a = transposeA ? transposeLastTwo(inputs.a as TensorInfo, backend) : (inputs.a as TensorInfo);
  const b = transposeB ? transposeLastTwo(inputs.b as TensorInfo, backend) : (inputs.b as TensorInfo);
  const product = multiply(a, b, backend);
  if (transposeA) backend.disposeData(a.dataId);
  if (transposeB) backend.disposeData(b.dataId);
  return product;
};

function transposeLastTwo(x: TensorInfo, backend: BackendWasm): TensorInfo {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return run(Transpose, { x }, { perm }, backend);
}

function multiply(a: TensorInfo, b: TensorInfo, backend: BackendWasm): TensorInfo {
  const outer = a.shape.slice(0, -2);
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.shape.length - 1];
  const batch = util.sizeFromShape(outer);
  if (batch === 1) {
    const matrix = multiplyOne({ ...a, shape: [1, m, k] }, { ...b, shape: [1, k, n] }, backend);
    return { ...matrix, shape: [...outer, m, n] };
  }
  const out = backend.makeOutput([...outer, m, n], 'float32');
  for (let i = 0; i < batch; i++) {
    const left = view(a, i, [1, m, k], backend);
    const right = view(b, i, [1, k, n], backend);
    const matrix = multiplyOne(left, right, backend);
    // The memory may have grown and moved: look the result up each time.
    backend.typedArrayFromHeap(out).set(backend.typedArrayFromHeap(matrix) as Float32Array, i * m * n);
    backend.disposeData(matrix.dataId);
    release(left, backend);
    release(right, backend);
  }
  return out;
}

const multiplyOne = (a: TensorInfo, b: TensorInfo, backend: BackendWasm): TensorInfo =>
  run(BatchMatMul, { a, b }, { transposeA: false, transposeB: false }, backend);

/** The `index`-th part of `whole`, in place: it must be released, not disposed, since it does not own its memory. */
function view(whole: TensorInfo, index: number, shape: number[], backend: BackendWasm): TensorInfo {
  const { byteOffset, BYTES_PER_ELEMENT } = backend.typedArrayFromHeap(whole);
  const offset = byteOffset + index * util.sizeFromShape(shape) * BYTES_PER_ELEMENT;
  return backend.makeOutput(shape, 'float32', offset);
}

function release({ dataId }: TensorInfo, backend: BackendWasm): void {
  const { id } = backend.dataIdMap.get(dataId);
  backend.wasm.tfjs.disposeData(id);
  backend.dataIdMap.delete(dataId);
}

function run(
  kernelName: string,
  inputs: Record<string, TensorInfo>,
  attrs: Record<string, boolean | number[]>,
  backend: BackendWasm,
): TensorInfo {
  const kernel = getKernel(kernelName, 'wasm');
  return kernel.kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

/** Registers a kernel with the inputs and attributes of `MiniGPT.MatMul`. */
export function registerExplicitTransposes(kernelName: string): void {
  registerKernel({ kernelName, backendName: 'wasm', kernelFunc: matMul });
}

/** Starts tfjs-backend-wasm as it is, but for its products. */
export async function startExplicitTransposes(): Promise<{ readonly version: string }> {
  registerExplicitTransposes('MiniGPT.MatMul');
  await setBackend('wasm');
  return { version: version_wasm };
}
