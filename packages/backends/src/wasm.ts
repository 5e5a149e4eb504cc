import { type BackendWasm, setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { backend, env, ready, setBackend } from '@tensorflow/tfjs-core';
import type { StartedBackend } from './backend.ts';
import { registerAttention } from './wasm/attention.ts';
import { registerAdamW, registerElementwise } from './wasm/elementwise.ts';
import { hasRelaxedSimd } from './wasm/features.ts';
import { loadKernels } from './wasm/kernels.ts';
import { registerMatMul } from './wasm/mat-mul.ts';
import { registerCrossEntropy, registerEmbedding, registerNorms, registerRope } from './wasm/rows.ts';

export interface WasmOptions {
  /** URL of the folder that serves tfjs-backend-wasm's `.wasm` files; needed in browsers only. */
  readonly wasmPath?: string;
}

/** Starts WebAssembly: fast on every machine, with nothing to install beside the package. */
export async function start({ wasmPath }: WasmOptions = {}): Promise<StartedBackend> {
  if (wasmPath !== undefined) setWasmPaths(wasmPath);
  await setBackend('wasm');
  await ready();
  const simd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const features = simd ? await registerKernels() : 'no SIMD';
  return {
    name: 'wasm',
    description: `WebAssembly (${features}, 1 thread)`,
    version: version_wasm,
    threads: 1,
  };
}

let registered: { readonly backend: BackendWasm; readonly features: string } | undefined;

/** Registers the kernels of ours; says which build of them this engine takes. */
async function registerKernels(): Promise<string> {
  const started = backend() as BackendWasm;
  if (registered?.backend === started) return registered.features;
  const relaxed = hasRelaxedSimd();
  const kernels = await loadKernels(started, relaxed);
  registerMatMul(kernels);
  registerElementwise(kernels);
  registerAdamW(kernels);
  registerNorms(kernels);
  registerCrossEntropy(kernels);
  registerEmbedding(kernels);
  registerRope(kernels);
  registerAttention(kernels);
  registered = { backend: started, features: relaxed ? 'relaxed SIMD' : 'SIMD' };
  return registered.features;
}
