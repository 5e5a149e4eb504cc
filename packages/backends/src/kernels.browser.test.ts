import { testGpuKernels } from './testing/test-gpu-kernels.ts';

testGpuKernels('webgl');
testGpuKernels('webgpu');
