import { gather, reshape, scatterND, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import { withGradient } from './with-gradient.ts';

/**
 * Rows of a table: `y[..., :] = weight[ids[...], :]`. An id that occurs more than once adds up its gradients.
 *
 * Kernel of the gradient: `EmbeddingGrad` `{ids: [N], dy: [N, C]}`, attribute `vocabSize` → `[dWeight]`.
 *
 * @param ids int32 `[...]`, each in 0…V-1
 * @param weight float32 `[V, C]`
 * @returns float32 `[..., C]`
 */
export function embedding(ids: Tensor, weight: Tensor2D): Tensor {
  return withGradient([weight], (save) => {
    save(ids);
    const [vocabSize, width] = weight.shape;
    return {
      value: gather(weight, ids),
      backward: (dy, [ids]) => {
        const rows = reshape(dy, [-1, width]); // [N, C]
        if (hasKernel('EmbeddingGrad')) {
          return runKernel('EmbeddingGrad', { ids: reshape(ids, [-1]), dy: rows }, { vocabSize });
        }
        return [scatterND(reshape(ids, [-1, 1]), rows, [vocabSize, width])];
      },
    };
  });
}
