import { engine, type Tensor } from '@tensorflow/tfjs-core';

let depth = 0;

/**
 * Builds a model without drawing or allocating its weights: every parameter has its name, shape and dtype, and no values.
 * For looking at a model that would not fit into memory, and before loading a checkpoint, whose values make the first ones
 * a waste. Reading such a parameter before it is assigned fails.
 */
export function withoutWeights<T>(build: () => T): T {
  depth++;
  try {
    return build();
  } finally {
    depth--;
  }
}

/** A first value of a parameter: what `draw` makes, or inside {@link withoutWeights} a float32 tensor of that shape without values. */
export function firstValue(shape: readonly number[], draw: () => Tensor): Tensor {
  if (depth === 0) return draw();
  // A data id that no backend knows: tfjs counts it, and nothing stands behind it.
  return engine().makeTensorFromTensorInfo({ dataId: {}, shape: [...shape], dtype: 'float32' });
}
