import { registerShaderKernels } from '../shaders/register-kernels.ts';
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
  registerShaderKernels('webgl', kernels);
}
