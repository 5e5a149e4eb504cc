import { CompileError } from '@minigpt/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernels, wasmKernel } from '../kernels.ts';
import type { KernelNode } from './recorder.ts';

/**
 * Calls the kernel of a node.
 *
 * @param places stand for the memory of its inputs, in their order
 * @throws CompileError if there is none of ours that can do it
 */
export function callKernel(
  { op, attributes: { inputs, attrs } }: KernelNode,
  places: readonly object[],
  kernels: Kernels,
): TensorInfo[] {
  const given = inputs.map(({ name, shape, dtype }, i) => [
    name,
    { dataId: places[i], shape: [...shape], dtype },
  ]);
  const outputs = wasmKernel(op)?.({ inputs: Object.fromEntries(given), attrs, kernels });
  if (outputs === undefined) {
    const shapes = inputs.map(({ shape, dtype }) => `${dtype} [${shape}]`);
    throw new CompileError(
      op,
      `WebAssembly has no kernel that a compiled step can call for ${op} of ${shapes.join(', ')}; do not compile the step.`,
    );
  }
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** For each output of a node the input in whose memory it may be written, if any. */
export function replacedInputs(node: KernelNode): (number | undefined)[] {
  const places = node.inputs.map(() => ({}));
  const nowhere = () => 0;
  const outputs = callKernel(node, places, {
    run() {},
    offsetOf: nowhere,
    output: (shape, dtype = 'float32') => ({ dataId: {}, shape: [...shape], dtype }),
    outputOver: (x) => x,
    outputFrom: (x) => x,
    scratch: nowhere,
    reserve() {},
    checkIds() {},
  });
  return outputs.map(({ dataId }) => {
    const input = places.indexOf(dataId);
    return input === -1 ? undefined : input;
  });
}
