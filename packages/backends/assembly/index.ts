// The kernels of `@minigpt/backends/wasm`, on the memory of tfjs-backend-wasm: see src/wasm/kernels.ts.

export { run } from './commands';
export { nextList, runTogether, serve } from './threads';
