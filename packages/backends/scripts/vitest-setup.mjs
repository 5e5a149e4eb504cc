// Before any test: compiles the WebAssembly kernels if their sources have changed.
export { buildKernels as setup } from './build-kernels.mjs';
