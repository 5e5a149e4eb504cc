/** Tensors as four dimensions, the last of which is a row. */
export interface Layout {
  readonly sizes: readonly [number, number, number, number];
  /** Elements from one to the next in each dimension, for each tensor. */
  readonly strides: readonly (readonly number[])[];
}

/**
 * Four dimensions that have the elements of `shape` in its order, for tensors that lie in memory in some other. Neighbours that
 * follow each other in all of them become one.
 *
 * @param strides elements from one to the next in each dimension of `shape`, for each tensor
 * @returns nothing where four are too few
 */
export function collapse(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): Layout | undefined {
  const sizes: number[] = [];
  const steps: number[][] = strides.map(() => []);
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((own, i) => steps[i][last] === own[axis] * size)) {
      sizes[last] *= size;
      for (const [i, own] of strides.entries()) steps[i][last] = own[axis];
    } else {
      sizes.push(size);
      for (const [i, own] of strides.entries()) steps[i].push(own[axis]);
    }
  }
  if (sizes.length > 4) return undefined;
  const missing = 4 - sizes.length;
  const filled = (values: readonly number[], value: number) => [
    ...new Array<number>(missing).fill(value),
    ...values,
  ];
  return {
    sizes: filled(sizes, 1) as [number, number, number, number],
    // A row of one element: its step is never taken, but read as 0 or 1.
    strides: steps.map((own) => (own.length === 0 ? [0, 0, 0, 1] : filled(own, 0))),
  };
}

/** Elements from one to the next in each dimension of a tensor that lies in order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}
