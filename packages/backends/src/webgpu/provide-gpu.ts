import { device_util } from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from '../errors.ts';

interface NodeWebGPU {
  readonly create: (flags: string[]) => GPU;
  readonly globals: Record<string, unknown>;
}

/**
 * `navigator.gpu`: the browser's, or in Node what the package `webgpu` makes.
 *
 * @throws BackendUnavailableError where there is none
 */
export async function provideGPU(): Promise<GPU> {
  if (globalThis.navigator?.gpu !== undefined) return navigator.gpu;
  if (device_util.isBrowser()) {
    throw new BackendUnavailableError(
      'webgpu',
      globalThis.isSecureContext
        ? 'this browser has no WebGPU, or has it turned off'
        : 'browsers give WebGPU to pages from https or localhost only',
    );
  }
  const { create, globals } = await loadNodeWebGPU();
  Object.assign(globalThis, globals);
  // Node 20 has no navigator, later ones one without a gpu.
  const own = globalThis as { navigator?: object };
  own.navigator ??= {};
  Object.defineProperty(own.navigator, 'gpu', { value: create([]), configurable: true });
  return navigator.gpu;
}

async function loadNodeWebGPU(): Promise<NodeWebGPU> {
  const name = 'webgpu'; // in a variable, so that no bundler for browsers looks for it
  try {
    return (await import(/* @vite-ignore */ name)) as NodeWebGPU;
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw new BackendUnavailableError(
      'webgpu',
      missing
        ? 'Node has WebGPU through the package webgpu only; `npm install webgpu`'
        : `the package webgpu does not load (${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
}
