import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import type { Kernel } from './kernel.ts';
import { runPass, runPassInParts } from './pass.ts';

const adamW: Kernel = (backend, inputs, { beta1, beta2 }) => {
  const { shape } = inputs.parameter;
  return runPassInParts(backend, [shape, shape, shape], {
    inputs,
    ints: { size: sizeOf(inputs.parameter) },
    floats: { keep1: 1 - (beta1 as number), keep2: 1 - (beta2 as number), beta2: beta2 as number },
    value: `
      int at = i % size;
      float grad = getGrad(at);
      float m = getExpAvg(at);
      m += (grad - m) * keep1;
      if (i >= size && i < 2 * size) return m;
      float v = getExpAvgSq(at) * beta2 + grad * grad * keep2;
      if (i >= size) return v;
      return getParameter(at) * getDecay(0) - m / (sqrt(v) + getEpsilon(0)) * getRate(0);
    `,
  });
};

/** How many tensors a pass reads: browsers promise 16 textures. */
const TEXTURES = 15;
/** Into how many sums a tensor is taken apart first, so that many of them are made at once. */
const PARTS = 64;

const globalNorm: Kernel = (backend, inputs) => {
  const grads = Object.values(inputs);
  const partial: TensorInfo[] = [];
  for (let first = 0; first < grads.length; first += TEXTURES) {
    const some = grads.slice(first, first + TEXTURES);
    const square = (k: number) =>
      `if (tensor == ${k}) for (int at = part; at < size${k}; at += ${PARTS}) total += pow2(getG${k}(at));`;
    partial.push(
      runPass(backend, [some.length * PARTS], {
        inputs: Object.fromEntries(some.map((grad, k) => [`g${k}`, grad])),
        size: some.length * PARTS,
        ints: Object.fromEntries(some.map((grad, k) => [`size${k}`, sizeOf(grad)])),
        functions: 'float pow2(float x) { return x * x; }',
        value: `
          int tensor = i / ${PARTS};
          int part = i - tensor * ${PARTS};
          float total = 0.0;
          ${some.map((_, k) => square(k)).join('\n')}
          return total;
        `,
      }),
    );
  }
  const sum = (k: number) => `for (int at = 0; at < size${k}; at++) total += getP${k}(at);`;
  const norm = runPass(backend, [], {
    inputs: Object.fromEntries(partial.map((part, k) => [`p${k}`, part])),
    size: 1,
    ints: Object.fromEntries(partial.map((part, k) => [`size${k}`, sizeOf(part)])),
    value: `float total = 0.0; ${partial.map((_, k) => sum(k)).join('\n')} return sqrt(total);`,
  });
  for (const part of partial) backend.disposeIntermediateTensorInfo(part);
  return [norm];
};

export const optimizerKernels: Readonly<Record<string, Kernel>> = { AdamW: adamW, GlobalNorm: globalNorm };
