import {
  add,
  concat,
  mul,
  neg,
  reshape,
  split,
  stack,
  sub,
  type Tensor,
  type Tensor4D,
  unstack,
} from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

/**
 * Which dimensions of a head turn together: `half` pairs dimension i with i + R/2 (Hugging Face), `interleaved` 2i with
 * 2i + 1 (Meta, llama2.c, GGUF).
 */
export type RopeLayout = 'half' | 'interleaved';

export interface RopeOptions {
  readonly layout?: RopeLayout;
}

/**
 * Rotary position embedding (Su et al. 2021, "RoFormer"): turns each pair (a, b) of the first R dimensions of a head into
 * `(a cos - b sin, a sin + b cos)`; the other D - R dimensions pass.
 *
 * Kernel: `Rope` `{x, cos, sin}`, attribute `layout` → `[y]`, with cos and sin `[1, 1, T, R/2]` or `[B, 1, T, R/2]`. The
 * gradient is the same kernel with the sign of sin turned.
 *
 * @param x float32 `[B, H, T, D]`
 * @param cos float32 `[T, R/2]`, or `[B, T, R/2]` where rows stand at other positions; see `ropeTables`
 * @param sin of the shape of `cos`
 * @returns float32 `[B, H, T, D]`
 */
export function rope(x: Tensor4D, cos: Tensor, sin: Tensor, { layout = 'half' }: RopeOptions = {}): Tensor4D {
  return withGradient([x], (save) => {
    const [c, s] = [cos, sin].map(overHeads);
    save(c, s);
    return {
      value: rotate(x, c, s, layout),
      backward: (dy, [c, s]) => [rotate(dy, c, neg(s), layout)],
    };
  });
}

/** `[T, R/2]` → `[1, 1, T, R/2]`, `[B, T, R/2]` → `[B, 1, T, R/2]` */
function overHeads(table: Tensor): Tensor {
  const [t, width] = table.shape.slice(-2);
  return reshape(table, [table.rank === 3 ? table.shape[0] : 1, 1, t, width]);
}

function rotate(x: Tensor4D, cos: Tensor, sin: Tensor, layout: RopeLayout): Tensor4D {
  if (hasKernel('Rope')) return runKernel('Rope', { x, cos, sin }, { layout })[0] as Tensor4D;
  const half = cos.shape[3] as number;
  const rest = x.shape[3] - 2 * half;
  if (layout === 'half') {
    const [a, b, ...passed] = split(x, rest > 0 ? [half, half, rest] : [half, half], -1);
    return concat([...turned(a, b, cos, sin), ...passed], -1) as Tensor4D;
  }
  const [pairs, ...passed] = rest > 0 ? split(x, [2 * half, rest], -1) : [x];
  const [a, b] = unstack(reshape(pairs, [...x.shape.slice(0, 3), half, 2]), -1); // [B, H, T, R/2]
  const rotated = reshape(stack(turned(a, b, cos, sin), -1), pairs.shape);
  return concat([rotated, ...passed], -1) as Tensor4D;
}

function turned(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor): [Tensor, Tensor] {
  return [sub(mul(a, cos), mul(b, sin)), add(mul(a, sin), mul(b, cos))];
}
