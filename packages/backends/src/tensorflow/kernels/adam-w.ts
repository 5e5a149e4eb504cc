import type { RawKernel } from './raw-kernel.ts';

/** `adamWUpdate` of `@minigpt/training`, operation by operation. */
export const adamWKernels: Readonly<Record<string, RawKernel>> = {
  AdamW: (ops, inputs, attrs) => {
    const { parameter, grad, expAvg, expAvgSq, decay, rate, epsilon } = inputs;
    const { beta1, beta2 } = attrs as { beta1: number; beta2: number };
    const m = ops.add(expAvg, ops.mul(ops.sub(grad, expAvg), ops.floats(1 - beta1)));
    const squared = ops.mul(ops.square(grad), ops.floats(1 - beta2));
    const v = ops.add(ops.mul(expAvgSq, ops.floats(beta2)), squared);
    const change = ops.mul(ops.div(m, ops.add(ops.sqrt(v), epsilon)), rate);
    const outputs = [ops.sub(ops.mul(parameter, decay), change), m, v];
    ops.inPlace({ op: 'AdamW', inputs, outputs, attrs: { beta1, beta2 } });
    return outputs;
  },
};
