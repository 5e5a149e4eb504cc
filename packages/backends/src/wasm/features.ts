/** Node's modules where there are any; a browser has none, and a bundler sees no import. */
export function nodeModule<T>(name: string): T | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.(name) as T | undefined;
}

/** A module of one function: `f32x4.relaxed_madd` of three zeros, dropped. */
const relaxedMultiplyAdd = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic and version
  ...[1, 4, 1, 0x60, 0, 0], // a type without parameters and results
  ...[3, 2, 1, 0], // a function of it
  ...[10, 20, 1, 18, 0], // one body of 18 bytes, no locals
  ...[0x41, 0, 0xfd, 0x11], // i32.const 0, i32x4.splat
  ...[0x41, 0, 0xfd, 0x11],
  ...[0x41, 0, 0xfd, 0x11],
  ...[0xfd, 0x85, 0x02], // f32x4.relaxed_madd
  ...[0x1a, 0x0b], // drop, end
);

/** Whether this engine has relaxed SIMD. In Node 20 a flag turns it on, for whatever is compiled afterwards. */
export function hasRelaxedSimd(): boolean {
  const v8 = nodeModule<{ setFlagsFromString(flags: string): void }>('node:v8');
  if (WebAssembly.validate(relaxedMultiplyAdd)) return true;
  v8?.setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(relaxedMultiplyAdd);
}
