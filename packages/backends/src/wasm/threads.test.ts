import { createHash } from 'node:crypto';
import { backendCompiler, type Compile, feed } from '@minigpt/core';
import { runKernel } from '@minigpt/ops';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  backend,
  dispose,
  mul,
  randomNormal,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { start } from '../wasm.ts';
import { loadKernels } from './kernels.ts';
import { registerKernels } from './register.ts';

describe('threads of the wasm backend', () => {
  let description: string;
  beforeAll(async () => {
    ({ description } = await start({ threads: 3 }));
  });

  it('says how many there are', () => {
    expect(description).toMatch(/^WebAssembly \((relaxed )?SIMD, 3 threads\)$/);
  });

  it('run a compiled step as they run its operations, bit for bit', () => {
    const weight = tidy(() => variable(randomNormal([130, 500])));
    let value = 0;
    const step = () => {
      const x = feed(() => ({
        dtype: 'float32',
        shape: [700, 130],
        data: new Float32Array(91_000).fill(value),
      }));
      return tidy(() => {
        const [product] = runKernel('MatMul', { a: x, b: weight }, { transposeA: false, transposeB: false });
        const next = sub(weight, mul(weight, sum(product)));
        weight.assign(next as Tensor2D);
        return [softmax(product), sum(product, 0)];
      });
    };
    const first = weight.clone();
    const taken = (run: () => Tensor[]) =>
      Array.from({ length: 12 }, (_, i) => {
        value = 1e-6 * i;
        return take(run());
      });
    const plain = taken(() => tidy(step));
    weight.assign(first);
    const compiled = (backendCompiler() as Compile)(step);
    expect(taken(() => compiled.run())).toEqual(plain);
    compiled.dispose();
    dispose([weight, first]);
  });

  it('compute what one computes, bit for bit', async () => {
    const [a, b, weight] = [[700, 130], [130, 500], [130]].map((shape) => randomNormal(shape));
    const [q, k, v] = [
      [4, 2, 150, 32],
      [4, 1, 150, 32],
      [4, 1, 150, 32],
    ].map((shape) => randomNormal(shape));
    const attention = { causal: true, scale: 0.2, window: 90, softcap: 0 };
    const compute = () => {
      const [product] = runKernel('MatMul', { a, b }, { transposeA: false, transposeB: false });
      const [normed, rstd] = runKernel('RMSNorm', { x: a, weight }, { eps: 1e-5 });
      const normGrads = runKernel('RMSNormGrad', { dy: normed, x: a, weight, rstd });
      const [out, logSumExp] = runKernel('GeneralAttention', { q, k, v }, attention);
      const grads = runKernel('GeneralAttentionGrad', { dy: q, q, k, v, out, logSumExp }, attention);
      return take([product, normed, rstd, ...normGrads, out, logSumExp, ...grads]);
    };
    const together = Array.from({ length: 10 }, compute);
    registerKernels(await loadKernels(backend() as BackendWasm, { relaxed: false, threads: 1 }));
    const plain = compute();
    registerKernels(await loadKernels(backend() as BackendWasm, { relaxed: true, threads: 1 }));
    const alone = compute();
    // Equal means something: the build without the fused multiply-add differs.
    expect(plain).not.toBe(alone);
    for (const digest of together) expect(digest).toBe(alone);
    dispose([a, b, weight, q, k, v]);
  });
});

/** A digest of all bits; the tensors are disposed. */
function take(tensors: readonly Tensor[]): string {
  const hash = createHash('sha256');
  for (const tensor of tensors) hash.update(tensor.dataSync());
  dispose([...tensors]);
  return hash.digest('hex');
}
