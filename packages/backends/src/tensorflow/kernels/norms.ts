import type { RawKernel } from './raw-kernel.ts';

/** Rows `[N, C]`; mean and rstd `[N, 1]`. */
export const normKernels: Readonly<Record<string, RawKernel>> = {
  LayerNorm: (ops, { x, weight, bias }, { eps }) => {
    const mean = ops.mean(x, 'last', true);
    const centered = ops.sub(x, mean);
    // Not SquaredDifference: what TensorFlow's optimizer of graphs takes for a LayerNorm, it makes one with an epsilon of 1e-3.
    const variance = ops.mean(ops.square(centered), 'last', true);
    const rstd = ops.rsqrt(ops.add(variance, ops.floats(eps as number)));
    const scaled = ops.mul(ops.mul(centered, rstd), weight);
    return [bias === undefined ? scaled : ops.add(scaled, bias), mean, rstd];
  },

  LayerNormGrad: (ops, { dy, x, weight, mean, rstd }) => {
    const normalized = ops.mul(ops.sub(x, mean), rstd);
    const dNormalized = ops.mul(dy, weight);
    const along = ops.mean(ops.mul(dNormalized, normalized), 'last', true); // [N, 1]
    const centered = ops.sub(
      ops.sub(dNormalized, ops.mean(dNormalized, 'last', true)),
      ops.mul(normalized, along),
    );
    return [ops.mul(centered, rstd), ops.sum(ops.mul(dy, normalized), 'first'), ops.sum(dy, 'first')];
  },

  RMSNorm: (ops, { x, weight }, { eps }) => {
    const rstd = ops.rsqrt(ops.add(ops.mean(ops.square(x), 'last', true), ops.floats(eps as number)));
    return [ops.mul(ops.mul(x, rstd), weight), rstd];
  },

  RMSNormGrad: (ops, { dy, x, weight, rstd }) => {
    const normalized = ops.mul(x, rstd);
    const dNormalized = ops.mul(dy, weight);
    const along = ops.mean(ops.mul(dNormalized, normalized), 'last', true); // [N, 1]
    const dx = ops.mul(ops.sub(dNormalized, ops.mul(normalized, along)), rstd);
    return [dx, ops.sum(ops.mul(dy, normalized), 'first')];
  },
};
