import { fromHost, Rng } from '@minigpt/core';
import { runKernel } from '@minigpt/ops';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { start } from '../../wasm.ts';

/** Starts wasm and says what it is, and a digest of all bits of what kernels give. */
async function compute(threads: number): Promise<{ description: string; isolated: boolean; digest: string }> {
  const { description } = await start({ wasmPath: '/', threads });
  const normal = (...shape: number[]) =>
    fromHost({
      dtype: 'float32',
      shape,
      data: new Rng(3).fold(shape.join()).normal(shape.reduce((a, b) => a * b)),
    });
  const [a, b, weight] = [normal(700, 130), normal(130, 500), normal(130)];
  const [q, k, v] = [normal(4, 2, 150, 32), normal(4, 1, 150, 32), normal(4, 1, 150, 32)];
  const attention = { causal: true, scale: 0.2, window: 90, softcap: 0 };
  const [product] = runKernel('MatMul', { a, b }, { transposeA: false, transposeB: false });
  const [normed, rstd] = runKernel('RMSNorm', { x: a, weight }, { eps: 1e-5 });
  const [out, logSumExp] = runKernel('GeneralAttention', { q, k, v }, attention);
  const grads = runKernel('GeneralAttentionGrad', { dy: q, q, k, v, out, logSumExp }, attention);
  const digest = await digestOf([product, normed, rstd, out, logSumExp, ...grads]);
  dispose([a, b, weight, q, k, v]);
  return { description, isolated: crossOriginIsolated, digest };
}

async function digestOf(tensors: readonly Tensor[]): Promise<string> {
  const bits = tensors.flatMap((tensor) => [...new Uint32Array(new Float32Array(tensor.dataSync()).buffer)]);
  dispose([...tensors]);
  const digest = await crypto.subtle.digest('SHA-256', Uint32Array.from(bits));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

Object.assign(globalThis, { compute });
