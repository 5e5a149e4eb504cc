import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';

/** A kernel `MiniGPT.<name>` of `@minigpt/ops`, whose contract stands beside the operation that calls it. */
export type Kernel = (
  backend: MathBackendWebGL,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: NamedAttrMap,
) => TensorInfo[];
