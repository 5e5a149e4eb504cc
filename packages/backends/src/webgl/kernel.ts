import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import type { ShaderKernel } from '../shaders/register-kernels.ts';

export type Kernel = ShaderKernel<MathBackendWebGL>;
