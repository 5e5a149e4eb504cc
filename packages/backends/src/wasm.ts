import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { env, ready, setBackend } from '@tensorflow/tfjs-core';
import type { StartedBackend } from './backend.ts';
import { registerMatMul } from './wasm/mat-mul.ts';

export interface WasmOptions {
  /** URL of the folder that serves tfjs-backend-wasm's `.wasm` files; needed in browsers only. */
  readonly wasmPath?: string;
}

/** Starts WebAssembly: fast on every machine, with nothing to install beside the package. */
export async function start({ wasmPath }: WasmOptions = {}): Promise<StartedBackend> {
  if (wasmPath !== undefined) setWasmPaths(wasmPath);
  registerMatMul();
  await setBackend('wasm');
  await ready();
  const simd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return {
    name: 'wasm',
    description: `WebAssembly (${simd ? 'SIMD' : 'no SIMD'}, 1 thread)`,
    version: version_wasm,
  };
}
