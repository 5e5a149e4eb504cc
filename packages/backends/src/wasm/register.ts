import { registerArithmetic } from './arithmetic.ts';
import { registerAttention } from './attention.ts';
import { registerCopies } from './copies.ts';
import { registerDropout } from './dropout.ts';
import { registerAdamW, registerElementwise } from './elementwise.ts';
import { registerIdentity } from './identity.ts';
import type { Kernels } from './kernels.ts';
import { registerMatMul } from './mat-mul.ts';
import { registerReductions } from './reductions.ts';
import { registerCrossEntropy, registerEmbedding, registerNorms, registerRope } from './rows.ts';

/** Registers every kernel of ours; those of an earlier call are replaced. */
export function registerKernels(kernels: Kernels): void {
  registerMatMul(kernels);
  registerElementwise(kernels);
  registerAdamW(kernels);
  registerNorms(kernels);
  registerCrossEntropy(kernels);
  registerEmbedding(kernels);
  registerRope(kernels);
  registerAttention(kernels);
  registerDropout(kernels);
  registerCopies(kernels);
  registerIdentity();
  registerArithmetic(kernels);
  registerReductions(kernels);
}
