import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';

/** A kernel `MiniGPT.<name>` of `@minigpt/ops`, whose contract stands beside the operation that calls it. */
export type Kernel = (
  backend: WebGPUBackend,
  inputs: Readonly<Record<string, TensorInfo>>,
  attrs: NamedAttrMap,
) => TensorInfo[];

export const sizeOf = ({ shape }: TensorInfo): number => util.sizeFromShape(shape);
