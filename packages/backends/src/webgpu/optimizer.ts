import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { dispatch, groupsFor, LANES, reductions } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** How many arrays WebGPU promises to a program. */
const ARRAYS = 8;

const adamW: Kernel = (backend, inputs, { beta1, beta2 }) => {
  const { parameter, grad, expAvg, expAvgSq, decay, rate, epsilon } = inputs;
  const { shape } = parameter;
  const size = sizeOf(parameter);
  const { nextParameter, m, v } = dispatch(backend, {
    name: 'AdamW',
    inputs: { parameter, grad, expAvg, expAvgSq },
    outputs: { nextParameter: shape, m: shape, v: shape },
    ints: { size },
    floats: {
      keep1: 1 - (beta1 as number),
      keep2: 1 - (beta2 as number),
      beta2: beta2 as number,
      // As arrays these would be more than WebGPU promises. They come from the host and were never on the device.
      decay: numberOf(backend, decay),
      rate: numberOf(backend, rate),
      epsilon: numberOf(backend, epsilon),
    },
    code: `
      let i = group * ${LANES} + lane;
      if (i >= sizes.size) { return; }
      let nextM = expAvg[i] + (grad[i] - expAvg[i]) * sizes.keep1;
      let nextV = expAvgSq[i] * sizes.beta2 + grad[i] * grad[i] * sizes.keep2;
      m[i] = nextM;
      v[i] = nextV;
      nextParameter[i] = parameter[i] * sizes.decay - nextM / (sqrt(nextV) + sizes.epsilon) * sizes.rate;
    `,
    groups: groupsFor(size),
  });
  return [nextParameter, m, v];
};

const numberOf = (backend: WebGPUBackend, { dataId }: TensorInfo): number =>
  (backend.readSync(dataId) as Float32Array)[0];

/** Into how many sums a tensor is taken apart first: a workgroup each. */
const PARTS = 16;

const globalNorm: Kernel = (backend, inputs) => {
  const grads = Object.values(inputs);
  const partial: TensorInfo[] = [];
  for (let begin = 0; begin < grads.length; begin += ARRAYS - 1) {
    const some = grads.slice(begin, begin + ARRAYS - 1);
    const square = (k: number) => `
      if (tensor == ${k}) {
        for (var at = part * ${LANES} + lane; at < sizes.size${k}; at += ${PARTS * LANES}) {
          total += g${k}[at] * g${k}[at];
        }
      }`;
    const { sums } = dispatch(backend, {
      name: `SumOfSquares${some.length}`,
      inputs: Object.fromEntries(some.map((grad, k) => [`g${k}`, grad])),
      outputs: { sums: [some.length * PARTS] },
      ints: Object.fromEntries(some.map((grad, k) => [`size${k}`, sizeOf(grad)])),
      declarations: reductions,
      code: `
        let tensor = group / ${PARTS};
        let part = group - tensor * ${PARTS};
        var total = 0.0;
        ${some.map((_, k) => square(k)).join('\n')}
        let sum = reduceSum(total, lane);
        if (lane == 0) { sums[group] = sum; }
      `,
      groups: some.length * PARTS,
    });
    partial.push(sums);
  }
  // More sums than a program has arrays for are added up in stages.
  while (partial.length > ARRAYS - 1) partial.push(addUp(backend, partial.splice(0, ARRAYS - 1), 'total'));
  return [addUp(backend, partial, 'sqrt(total)')];
};

/** @param result WGSL of what becomes of the sum of all elements of all `parts`, which are disposed */
function addUp(backend: WebGPUBackend, parts: readonly TensorInfo[], result: string): TensorInfo {
  const { sum } = dispatch(backend, {
    name: `Sum${parts.length} ${result}`,
    inputs: Object.fromEntries(parts.map((part, k) => [`p${k}`, part])),
    outputs: { sum: [] },
    ints: Object.fromEntries(parts.map((part, k) => [`size${k}`, sizeOf(part)])),
    declarations: reductions,
    code: `
      var own = 0.0;
      ${parts.map((_, k) => `for (var at = lane; at < sizes.size${k}; at += ${LANES}) { own += p${k}[at]; }`).join('\n')}
      let total = reduceSum(own, lane);
      if (lane == 0) { sum[0] = ${result}; }
    `,
    groups: 1,
  });
  for (const { dataId } of parts) backend.disposeData(dataId);
  return sum;
}

export const optimizerKernels: Readonly<Record<string, Kernel>> = { AdamW: adamW, GlobalNorm: globalNorm };
