import {
  engine,
  getBackend,
  getKernel,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';

const PREFIX = 'MiniGPT.';

/**
 * Whether the current backend supplies a kernel of its own for an operation of ours.
 *
 * This is the hook by which a backend is made faster, one kernel at a time: it registers `MiniGPT.<name>` with tfjs's
 * `registerKernel`, and the operation runs that instead of its composition of tfjs operations.
 */
export function hasKernel(name: string): boolean {
  return getKernel(PREFIX + name, getBackend()) !== undefined;
}

/**
 * Runs the backend's kernel `MiniGPT.<name>`; outside of any gradient, so the caller supplies that.
 *
 * @param inputs by name, an optional one left undefined; the same names and shapes as the reference beside the call documents.
 */
export function runKernel(
  name: string,
  inputs: Record<string, Tensor | undefined>,
  attrs: NamedAttrMap = {},
): Tensor[] {
  const outputs = engine().runKernel<Tensor | Tensor[]>(PREFIX + name, inputs as NamedTensorMap, attrs);
  return Array.isArray(outputs) ? outputs : [outputs];
}
