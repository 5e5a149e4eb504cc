import { add, reshape, sum, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { product } from './mat-mul.ts';
import { withGradient } from './with-gradient.ts';

/**
 * `y = x Wᵀ + b`, PyTorch's layout.
 *
 * @param x float32 `[..., I]`
 * @param weight float32 `[O, I]`
 * @param bias float32 `[O]`
 * @returns float32 `[..., O]`
 */
export function linear<T extends Tensor>(x: T, weight: Tensor2D, bias?: Tensor1D): T {
  return affine(x, weight, bias, true);
}

/**
 * `y = x W + b`: GPT-2 keeps its weights this way round and calls it Conv1D.
 *
 * @param x float32 `[..., I]`
 * @param weight float32 `[I, O]`
 * @param bias float32 `[O]`
 * @returns float32 `[..., O]`
 */
export function conv1d<T extends Tensor>(x: T, weight: Tensor2D, bias?: Tensor1D): T {
  return affine(x, weight, bias, false);
}

/** Kernel: `Linear` `{x, weight, bias?}`, attribute `transposed` → `[y]`, on two dimensions. */
function affine<T extends Tensor>(
  x: T,
  weight: Tensor2D,
  bias: Tensor1D | undefined,
  transposed: boolean,
): T {
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  return withGradient(inputs, (save) => {
    save(x, weight);
    const width = weight.shape[transposed ? 0 : 1];
    const rows = toRows(x); // [N, I]
    let y: Tensor;
    if (hasKernel('Linear')) {
      [y] = runKernel('Linear', { x: rows, weight, bias }, { transposed });
    } else {
      y = product(rows, weight, { transposeB: transposed }); // [N, O]
      if (bias !== undefined) y = add(y, bias);
    }
    return {
      value: reshape(y, [...x.shape.slice(0, -1), width]) as T,
      backward: (dy, [x, weight]) => {
        const rows = toRows(x); // [N, I]
        const dyRows = toRows(dy); // [N, O]
        const dx = product(dyRows, weight, { transposeB: !transposed }); // [N, I]
        const dWeight = transposed
          ? product(dyRows, rows, { transposeA: true }) // [O, I]
          : product(rows, dyRows, { transposeA: true }); // [I, O]
        const grads = [reshape(dx, x.shape), dWeight];
        return bias === undefined ? grads : [...grads, sumOfRows(dyRows)];
      },
    };
  });
}

/** `[N, O]` → `[O]`. Kernel: `SumRows` `{x}` → `[sum]`. */
function sumOfRows(x: Tensor): Tensor {
  return hasKernel('SumRows') ? runKernel('SumRows', { x })[0] : sum(x, 0);
}

/** All leading dimensions as one: `[..., C]` → `[N, C]`. */
export function toRows(x: Tensor): Tensor2D {
  return reshape(x, [-1, x.shape[x.rank - 1]]);
}
