import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { getKernel, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { activationKernels } from './activations.ts';
import { attentionKernels } from './attention.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { embeddingKernels } from './embedding.ts';
import type { Kernel } from './kernel.ts';
import { matMulKernels } from './mat-mul.ts';
import { normKernels } from './norms.ts';
import { optimizerKernels } from './optimizer.ts';
import { ropeKernels } from './rope.ts';

const kernels: Readonly<Record<string, Kernel>> = {
  ...activationKernels,
  ...attentionKernels,
  ...crossEntropyKernels,
  ...embeddingKernels,
  ...matMulKernels,
  ...normKernels,
  ...optimizerKernels,
  ...ropeKernels,
};

/** Gives tfjs's WebGL backend our kernels. Called again it does nothing. */
export function registerWebGLKernels(): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    const kernelName = `MiniGPT.${name}`;
    if (getKernel(kernelName, 'webgl') !== undefined) continue;
    registerKernel({
      kernelName,
      backendName: 'webgl',
      kernelFunc: ({ inputs, attrs = {}, backend }) => {
        const given = Object.entries(inputs).filter(([, input]) => input !== undefined);
        return kernel(
          backend as MathBackendWebGL,
          Object.fromEntries(given) as Record<string, TensorInfo>,
          attrs,
        );
      },
    });
  }
}
