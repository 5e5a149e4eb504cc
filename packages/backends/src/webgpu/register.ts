import { registerShaderKernels } from '../shaders/register-kernels.ts';
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
  registerShaderKernels('webgpu', kernels);
}
