import {
  getKernel,
  type KernelBackend,
  type NamedAttrMap,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** A kernel `MiniGPT.<name>` of `@minigpt/ops`, whose contract stands beside the operation that calls it. */
export type ShaderKernel<Backend extends KernelBackend> = (
  backend: Backend,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: NamedAttrMap,
) => TensorInfo[];

/** Gives a backend of tfjs's, `webgl` or `webgpu`, kernels of ours; those that it has already stay. */
export function registerShaderKernels<Backend extends KernelBackend>(
  backendName: string,
  kernels: Readonly<Record<string, ShaderKernel<Backend>>>,
): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    const kernelName = `MiniGPT.${name}`;
    if (getKernel(kernelName, backendName) !== undefined) continue;
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs = {}, backend }) => {
        const given = Object.entries(inputs).filter(([, input]) => input !== undefined);
        return kernel(backend as Backend, Object.fromEntries(given) as Record<string, TensorInfo>, attrs);
      },
    });
  }
}
