import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { nodeModule } from './features.ts';

const FILE = 'tfjs-backend-wasm-simd.wasm';

/**
 * Has tfjs-backend-wasm start on a memory that several threads can share: its module owns one that is not shared, and one bit of
 * the binary says so.
 *
 * tfjs's own threaded build is no way there: it does not start in Node, and splits only what XNNPACK computes.
 *
 * @param wasmPath URL of the folder that serves the binary; Node finds it in the package
 * @returns why it is not possible here; undefined if it is
 */
export async function shareMemory(wasmPath: string | undefined): Promise<string | undefined> {
  if (typeof SharedArrayBuffer === 'undefined') return 'needs a cross-origin isolated page';
  const binary = await readBinary(wasmPath);
  if (binary === undefined) return `needs wasmPath, the folder of ${FILE}`;
  setShared(binary);
  const url = URL.createObjectURL(new Blob([binary], { type: 'application/wasm' }));
  const names = ['tfjs-backend-wasm.wasm', FILE, 'tfjs-backend-wasm-threaded-simd.wasm'];
  setWasmPaths(Object.fromEntries(names.map((name) => [name, url])), true);
  return undefined;
}

async function readBinary(wasmPath: string | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (wasmPath !== undefined) {
    const response = await fetch(wasmPath + FILE);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  }
  const modules = nodeModule<typeof import('node:module')>('node:module');
  const files = nodeModule<typeof import('node:fs')>('node:fs');
  if (modules === undefined || files === undefined) return undefined;
  try {
    // The package's main file lies beside the binary.
    const main = modules.createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    return new Uint8Array(files.readFileSync(main.replace(/[^/\\]*$/, FILE)));
  } catch (error) {
    // A program bundled into one file has no package to look into.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND' || code === 'ENOENT') return undefined;
    throw error;
  }
}

const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;
const SHARED = 2;

/** Sets the flag of the module's own memory, which has the maximum that a shared one must have. */
function setShared(binary: Uint8Array): void {
  let at = 8; // after magic and version
  while (at < binary.length) {
    const section = binary[at];
    const [size, start] = readInteger(binary, at + 1);
    if (section === MEMORY_SECTION) {
      const flags = start + 1; // after the number of memories
      if (binary[flags] === HAS_MAXIMUM) binary[flags] |= SHARED;
      return;
    }
    at = start + size;
  }
}

/** A LEB128 integer and where it ends. */
function readInteger(binary: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    value |= (binary[at] & 0x7f) << shift;
    if (binary[at] < 0x80) return [value, at + 1];
  }
}
