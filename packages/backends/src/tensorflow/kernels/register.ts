import { activationKernels } from './activations.ts';
import { adamWKernels } from './adam-w.ts';
import { attentionKernels } from './attention.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { dropoutKernels } from './dropout.ts';
import { embeddingKernels } from './embedding.ts';
import { gatherKernels } from './gather.ts';
import { matMulKernels } from './mat-mul.ts';
import { normKernels } from './norms.ts';
import { registerRawKernels } from './raw-kernel.ts';

/** Gives `@minigpt/ops` kernels of TensorFlow's own operations: few and large ones, called without tfjs between. */
export function registerTensorFlowKernels(): void {
  registerRawKernels('MiniGPT.', {
    ...adamWKernels,
    ...attentionKernels,
    ...crossEntropyKernels,
    ...embeddingKernels,
    ...matMulKernels,
  });
  registerRawKernels(
    'MiniGPT.',
    { ...activationKernels, ...dropoutKernels, ...normKernels },
    { fused: true },
  );
  registerRawKernels('', gatherKernels);
}
