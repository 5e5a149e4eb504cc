import {
  type Attribute,
  getKernel,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { TensorFlowBackend, TensorHandle } from '../binding.ts';
import { RawOps } from './raw-ops.ts';

/** Attributes and inputs are those that the operation in `@minigpt/ops` documents; an optional input may be missing. */
export type RawKernel = (
  ops: RawOps,
  inputs: Readonly<Record<string, TensorHandle>>,
  attrs: Readonly<Record<string, Attribute>>,
) => TensorHandle[];

export interface RegisterOptions {
  /** Whether a compiled step should make one pass over the memory of all operations of a kernel: they are element by element. */
  readonly fused?: boolean;
}

/** Registers kernels for tfjs's backend `tensorflow`, over those of the same name. */
export function registerRawKernels(
  prefix: string,
  kernels: Readonly<Record<string, RawKernel>>,
  { fused = false }: RegisterOptions = {},
): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    const kernelName = prefix + name;
    if (getKernel(kernelName, 'tensorflow') !== undefined) unregisterKernel(kernelName, 'tensorflow');
    registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs, backend }) =>
        run(
          kernel,
          fused,
          inputs as Record<string, TensorInfo | undefined>,
          attrs,
          backend as TensorFlowBackend,
        ),
    });
  }
}

function run(
  kernel: RawKernel,
  fused: boolean,
  inputs: Readonly<Record<string, TensorInfo | undefined>>,
  attrs: Readonly<Record<string, unknown>> | undefined,
  backend: TensorFlowBackend,
): TensorInfo | TensorInfo[] {
  const given = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] != null);
  const ids = backend.getInputTensorIds(given.map(([, tensor]) => tensor));
  const handles = given.map(([name, tensor], i) => {
    const { dtype } = backend.tensorMap.get(tensor.dataId);
    return [name, { id: ids[i], shape: tensor.shape, dtype }] as const;
  });
  const ops = new RawOps(backend.binding);
  const compute = () =>
    kernel(ops, Object.fromEntries(handles), attrs as Readonly<Record<string, Attribute>>);
  const { together } = fused ? backend.binding : {};
  const outputs = ops.tidy(() => (together === undefined ? compute() : together(compute)));
  const tensors = outputs.map((output) => backend.createOutputTensor(output));
  return tensors.length === 1 ? tensors[0] : tensors;
}
