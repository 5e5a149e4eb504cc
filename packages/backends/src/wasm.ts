import { registerCompiler } from '@minigpt/core';
import { type BackendWasm, setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { backend, engine, env, ready, setBackend } from '@tensorflow/tfjs-core';
import type { StartedBackend } from './backend.ts';
import { compile } from './wasm/compile.ts';
import { hasRelaxedSimd } from './wasm/features.ts';
import { isShared, loadKernels, type TfjsModule } from './wasm/kernels.ts';
import { registerKernels } from './wasm/register.ts';
import { shareMemory } from './wasm/shared-memory.ts';
import { availableThreads } from './wasm/threads.ts';

export interface WasmOptions {
  /** URL of the folder that serves tfjs-backend-wasm's `.wasm` files; needed in browsers only. */
  readonly wasmPath?: string;
  /**
   * How many threads compute, the caller's among them; in Node what the environment variable `MINIGPT_THREADS` says,
   * else as many as the machine has. More than one need Node or a page
   * that is cross-origin isolated (https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated), and that nobody has
   * started tfjs's `wasm` before. Results do not depend on it.
   */
  readonly threads?: number;
}

/** Starts WebAssembly: fast on every machine, with nothing to install beside the package. */
export async function start({ wasmPath, threads }: WasmOptions = {}): Promise<StartedBackend> {
  if (wasmPath !== undefined) setWasmPaths(wasmPath);
  // Of tfjs's builds the one with threads of its own, for isolated pages, keeps its memory to itself.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const wanted = threads ?? availableThreads();
  // Once it runs its memory is what it is. (`findBackend` would start it here, on a memory that is not shared.)
  const started = 'wasm' in engine().registry;
  const alone = wanted > 1 && !started ? await shareMemory(wasmPath) : undefined;
  await setBackend('wasm');
  await ready();
  const simd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const { features, threads: count } = simd
    ? await loadAndRegister(wanted, alone)
    : { features: 'no SIMD, 1 thread', threads: 1 };
  return { name: 'wasm', description: `WebAssembly (${features})`, version: version_wasm, threads: count };
}

interface Loaded {
  readonly backend: BackendWasm;
  /** Which build of the kernels this engine takes and how many threads there are, in words. */
  readonly features: string;
  readonly threads: number;
}

let loaded: Loaded | undefined;

/**
 * Registers the kernels of ours, unless the backend has them.
 *
 * @param alone why there can be only one thread
 */
async function loadAndRegister(wanted: number, alone: string | undefined): Promise<Loaded> {
  const started = backend() as BackendWasm;
  if (loaded?.backend === started) return loaded;
  const relaxed = hasRelaxedSimd();
  const { memory } = (started.wasm as unknown as TfjsModule).asm;
  const threads = isShared(memory) ? wanted : 1;
  const kernels = await loadKernels(started, { relaxed, threads });
  registerKernels(kernels);
  registerCompiler('wasm', (step, options) => compile(started, kernels, step, options));
  const count = threads === 1 ? '1 thread' : `${threads} threads`;
  const reason = alone === undefined ? '' : `: more ${alone}`;
  loaded = { backend: started, features: `${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${count}${reason}`, threads };
  return loaded;
}
