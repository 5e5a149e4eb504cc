import { matMul as plainMatMul, type Tensor } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

export interface MatMulOptions {
  /** Read `a` as its transpose in the last two dimensions. */
  readonly transposeA?: boolean;
  /** Read `b` as its transpose in the last two dimensions. */
  readonly transposeB?: boolean;
}

/** {@link matMul} without a gradient: what backward passes are made of. Kernel: `MatMul` `{a, b}` → `[product]`. */
export function product<T extends Tensor>(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatMulOptions = {},
): T {
  if (hasKernel('MatMul')) return runKernel('MatMul', { a, b }, { transposeA, transposeB })[0] as T;
  return plainMatMul(a, b, transposeA, transposeB) as T;
}

/**
 * Matrix product over the last two dimensions.
 *
 * Both sides have the same leading dimensions; unlike tfjs's, it never broadcasts (whose gradient has the wrong shape,
 * tensorflow/tfjs#8721).
 *
 * @param a float32 `[..., M, K]` (`[..., K, M]` with `transposeA`)
 * @param b float32 `[..., K, N]` (`[..., N, K]` with `transposeB`)
 * @returns float32 `[..., M, N]`
 */
export function matMul<T extends Tensor>(a: T, b: T, options: MatMulOptions = {}): T {
  const { transposeA = false, transposeB = false } = options;
  return withGradient([a, b], (save) => {
    save(a, b);
    return {
      value: product<T>(a, b, options),
      backward: (dy, [a, b]) => [
        transposeA
          ? product(b, dy, { transposeA: transposeB, transposeB: true })
          : product(dy, b, { transposeB: !transposeB }),
        transposeB
          ? product(dy, a, { transposeA: true, transposeB: transposeA })
          : product(a, dy, { transposeA: !transposeA }),
      ],
    };
  });
}
