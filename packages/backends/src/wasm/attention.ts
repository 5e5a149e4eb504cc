import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { bitsOf, type Kernels, parts, registerWasmKernel } from './kernels.ts';

/** Queries, and keys, in a block, as in assembly/attention.ts. */
const BLOCK = 64;
/** Up to so many queries are treated one by one. */
const FEW_QUERIES = 2;

/** In the order of assembly/attention.ts; `gradients` are dy, dq, dk and dv. */
function argsOf(
  kernels: Kernels,
  { q, k, v, mask, key }: Readonly<Record<string, TensorInfo>>,
  out: TensorInfo,
  logSumExp: TensorInfo,
  attrs: NamedAttrMap,
  gradients: readonly TensorInfo[] = [],
): number[] {
  const { causal, window = 0, scale, softcap = 0, threshold = 0, kept = 1 } = attrs;
  const [, heads, t, d] = q.shape;
  const [, keyHeads, s] = k.shape;
  // A mask of [T, S], or [B or 1, H or 1, T, S].
  const [maskRows, maskHeads] = mask?.shape.length === 4 ? mask.shape : [1, 1];
  return [
    ...[q, k, v, out, logSumExp, mask].map(kernels.offsetOf),
    ...[heads, keyHeads, t, s, d],
    ...[Number(causal), Number(window), bitsOf(scale as number), bitsOf(softcap as number)],
    ...[maskRows > 1 ? maskHeads * t * s : 0, maskHeads > 1 ? t * s : 0],
    ...[0, 1, 2, 3].map((i) => kernels.offsetOf(gradients[i])),
    ...[kernels.offsetOf(key), Number(threshold), bitsOf(kept as number)],
  ];
}

/** `Attention`, `GeneralAttention` and `DropoutAttention` are one kernel here, with their gradients. */
export function registerAttention(all: Kernels): void {
  for (const name of ['Attention', 'GeneralAttention', 'DropoutAttention']) {
    registerWasmKernel(name, all, ({ inputs, attrs, kernels }) => {
      const [batch, heads, t, d] = inputs.q.shape;
      const s = inputs.k.shape[2];
      const out = kernels.output(inputs.q.shape);
      const logSumExp = kernels.output([batch, heads, t]);
      const args = argsOf(kernels, inputs, out, logSumExp, attrs);
      const work = 4 * batch * heads * t * s * (d + 4);
      if (t <= FEW_QUERIES && inputs.key === undefined) {
        kernels.reserve(4 * (s + 4));
        kernels.run([{ kernel: 'attentionOfFew', units: batch * heads * t, work, args }]);
      } else {
        kernels.reserve(4 * BLOCK * (4 * (d + 4) + BLOCK + 2));
        kernels.run([{ kernel: 'attention', units: batch * heads * parts(t, BLOCK), work, args }]);
      }
      return [out, logSumExp];
    });
    registerWasmKernel(`${name}Grad`, all, ({ inputs, attrs, kernels }) => {
      const { dy, q, k, v, out, logSumExp } = inputs;
      const grads = [q, k, v].map(({ shape }) => kernels.output(shape));
      const [batch, keyHeads] = k.shape;
      const args = argsOf(kernels, inputs, out, logSumExp, attrs, [dy, ...grads]);
      kernels.reserve(4 * BLOCK * (10 * (q.shape[3] + 9) + 4 * BLOCK + 10));
      kernels.run([
        {
          kernel: 'attentionGradient',
          units: batch * keyHeads,
          work: 10 * sizeOf(q) * k.shape[2],
          args,
        },
      ]);
      return grads;
    });
  }
}
