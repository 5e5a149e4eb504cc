import type { Context, HostTensor, LanguageModel } from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { reshape, type Scalar, slice, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** As transformers has it, labels equal the inputs and the shift happens here: logits of t against the id at t + 1. */
export function nextTokenLoss(model: LanguageModel, ids: Tensor2D, ctx?: Context): Scalar {
  return tidy(() => {
    const [b, t] = ids.shape;
    const logits = model.call(ids, ctx); // [B, T, V]
    const rows = reshape(slice(logits, [0, 0, 0], [b, t - 1, model.vocabSize]), [-1, model.vocabSize]);
    const labels = reshape(slice(ids, [0, 1], [b, t - 1]), [-1]);
    return crossEntropy(rows as Tensor2D, labels as Tensor1D);
  });
}

export const hostScalar = (value: number): HostTensor => ({
  dtype: 'float32',
  shape: [],
  data: Float32Array.of(value),
});

export const hostVector = (values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
