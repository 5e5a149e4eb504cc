import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { ShaderKernel } from '../shaders/register-kernels.ts';

export type Kernel = ShaderKernel<WebGPUBackend>;
