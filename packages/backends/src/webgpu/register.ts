import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { activationKernels } from './activations.ts';
import { attentionKernels } from './attention.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { embeddingKernels } from './embedding.ts';
import type { Kernel } from './kernel.ts';
import { linearKernels } from './linear.ts';
import { normKernels } from './norms.ts';
import { optimizerKernels } from './optimizer.ts';
import { ropeKernels } from './rope.ts';

const kernels: Readonly<Record<string, Kernel>> = {
  ...activationKernels,
  ...attentionKernels,
  ...crossEntropyKernels,
  ...embeddingKernels,
  ...linearKernels,
  ...normKernels,
  ...optimizerKernels,
  ...ropeKernels,
};

/** Gives tfjs's WebGPU backend our kernels. Called again it does nothing. */
export function registerWebGPUKernels(): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    const kernelName = `MiniGPT.${name}`;
    if (getKernel(kernelName, 'webgpu') !== undefined) continue;
    registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs, attrs = {}, backend }) => {
        const given = Object.entries(inputs).filter(([, input]) => input !== undefined);
        return kernel(
          backend as WebGPUBackend,
          Object.fromEntries(given) as Record<string, TensorInfo>,
          attrs,
        );
      },
    });
  }
}
