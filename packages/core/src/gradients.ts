import type { GradConfig, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

type Gradient = Omit<GradConfig, 'kernelName'>;

/** Sums `gradient` over the axes along which an operand of shape `shape` was broadcast. */
function unbroadcast(gradient: Tensor, shape: number[]): Tensor {
  const axes = tf.backend_util.getReductionAxes(shape, gradient.shape);
  const summed = axes.length > 0 ? tf.sum(gradient, axes) : gradient;
  return tf.reshape(summed, shape);
}

/** The gradient of y = f(x), given dy and x. */
const ofInput = (input: string, dx: (dy: Tensor, x: Tensor) => Tensor): Gradient => ({
  inputsToSave: [input],
  gradFunc: (dy, saved) => ({ [input]: () => dx(dy as Tensor, saved[0]) }),
});

/** The gradient of y = f(x), given dy and y. */
const ofOutput = (input: string, dx: (dy: Tensor, y: Tensor) => Tensor): Gradient => ({
  outputsToSave: [true],
  gradFunc: (dy, saved) => ({ [input]: () => dx(dy as Tensor, saved[0]) }),
});

/** The gradient of a broadcasting y = f(a, b). */
const ofPair = (
  da: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
  db: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
): Gradient => ({
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, [a, b]) => ({
    a: () => unbroadcast(da(dy as Tensor, a, b), a.shape),
    b: () => unbroadcast(db(dy as Tensor, a, b), b.shape),
  }),
});

/** No gradient flows: a step function, or a result that does not depend on the input's values. */
const zero = (input: string): Gradient => ({
  gradFunc: (dy) => ({ [input]: () => tf.zerosLike(dy as Tensor) }),
});

/** Spreads the gradient of a reduction over the axes that it reduced, as a view that broadcasts. */
function keepReducedDims(gradient: Tensor, shape: number[], axis: number | number[] | undefined): Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], shape);
  return tf.reshape(
    gradient,
    shape.map((size, i) => (axes.includes(i) ? 1 : size)),
  );
}

/** @param axes the attribute that names the reduced axes: tfjs spells it differently for the two. */
const maxOrMin = (axes: 'reductionIndices' | 'axis'): Gradient => ({
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, [x, y], attrs) => ({
    x: () => {
      const axis = attrs[axes] as number | number[];
      const chosen = tf.cast(tf.equal(x, keepReducedDims(y, x.shape, axis)), 'float32');
      return tf.mul(keepReducedDims(dy as Tensor, x.shape, axis), chosen);
    },
  }),
});

const gradients: Readonly<Record<string, Gradient>> = {
  // y = f(x), element by element
  [tf.Abs]: ofInput('x', (dy, x) => tf.mul(dy, tf.sign(x))),
  [tf.Cos]: ofInput('x', (dy, x) => tf.neg(tf.mul(dy, tf.sin(x)))),
  [tf.Erf]: ofInput('x', (dy, x) => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x))), 2 / Math.sqrt(Math.PI)))),
  [tf.Exp]: ofOutput('x', (dy, y) => tf.mul(dy, y)),
  [tf.Expm1]: ofInput('x', (dy, x) => tf.mul(dy, tf.exp(x))),
  [tf.Log]: ofInput('x', (dy, x) => tf.div(dy, x)),
  [tf.Log1p]: ofInput('x', (dy, x) => tf.div(dy, tf.add(x, 1))),
  [tf.Neg]: { gradFunc: (dy) => ({ x: () => tf.neg(dy as Tensor) }) },
  [tf.Reciprocal]: ofOutput('x', (dy, y) => tf.neg(tf.mul(dy, tf.square(y)))),
  [tf.Relu]: ofInput('x', (dy, x) => tf.mul(dy, tf.step(x))),
  [tf.Rsqrt]: ofOutput('x', (dy, y) => tf.mul(dy, tf.mul(tf.mul(y, tf.square(y)), -0.5))),
  [tf.Sigmoid]: ofOutput('x', (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  [tf.Sin]: ofInput('x', (dy, x) => tf.mul(dy, tf.cos(x))),
  [tf.Softplus]: ofInput('x', (dy, x) => tf.mul(dy, tf.sigmoid(x))),
  [tf.Sqrt]: ofOutput('x', (dy, y) => tf.div(dy, tf.mul(y, 2))),
  [tf.Square]: ofInput('x', (dy, x) => tf.mul(dy, tf.mul(x, 2))),
  [tf.Tanh]: ofOutput('x', (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  [tf.ClipByValue]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const { clipValueMin: low, clipValueMax: high } = attrs as {
          clipValueMin: number;
          clipValueMax: number;
        };
        const inside = tf.logicalAnd(tf.greaterEqual(x, low), tf.lessEqual(x, high));
        return tf.mul(dy as Tensor, tf.cast(inside, 'float32'));
      },
    }),
  },
  [tf.Identity]: { gradFunc: (dy) => ({ x: () => tf.cast(dy as Tensor, 'float32') }) },
  [tf.Cast]: { gradFunc: (dy) => ({ x: () => tf.clone(dy as Tensor) }) },
  [tf.Ceil]: zero('x'),
  [tf.Floor]: zero('x'),
  [tf.Round]: zero('x'),
  [tf.Sign]: zero('x'),
  [tf.Step]: zero('x'),
  [tf.OnesLike]: zero('x'),
  [tf.ZerosLike]: zero('x'),

  // y = f(a, b), broadcasting
  [tf.Add]: ofPair(
    (dy) => dy,
    (dy) => dy,
  ),
  [tf.Sub]: ofPair(
    (dy) => dy,
    (dy) => tf.neg(dy),
  ),
  [tf.Multiply]: ofPair(
    (dy, _a, b) => tf.mul(dy, b),
    (dy, a) => tf.mul(dy, a),
  ),
  [tf.RealDiv]: ofPair(
    (dy, _a, b) => tf.div(dy, b),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b))),
  ),
  [tf.Maximum]: ofPair(
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greaterEqual(a, b), 'float32')),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.less(a, b), 'float32')),
  ),
  [tf.Minimum]: ofPair(
    (dy, a, b) => tf.mul(dy, tf.cast(tf.lessEqual(a, b), 'float32')),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greater(a, b), 'float32')),
  ),
  [tf.SquaredDifference]: ofPair(
    (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(a, b), 2)),
    (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(b, a), 2)),
  ),
  [tf.Pow]: ofPair(
    (dy, a, b) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    (dy, a, b) => {
      const logOfPositive = tf.where(tf.greater(a, 0), tf.log(tf.maximum(a, 1e-38)), tf.zerosLike(a));
      return tf.mul(dy, tf.mul(tf.pow(a, b), logOfPositive));
    },
  ),
  [tf.BatchMatMul]: {
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b], attrs) => {
      const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
      const d = dy as Tensor;
      // matMul broadcasts batch dimensions, so each side's gradient is summed back to its own shape.
      return {
        a: () => {
          const da = transposeA ? tf.matMul(b, d, transposeB, true) : tf.matMul(d, b, false, !transposeB);
          return unbroadcast(da, a.shape);
        },
        b: () => {
          const db = transposeB ? tf.matMul(d, a, true, transposeA) : tf.matMul(a, d, !transposeA, false);
          return unbroadcast(db, b.shape);
        },
      };
    },
  },

  // reductions
  [tf.Sum]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => tf.mul(keepReducedDims(dy as Tensor, x.shape, attrs.axis as number[]), tf.onesLike(x)),
    }),
  },
  [tf.Mean]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const share = (dy as Tensor).size / x.size;
        return tf.mul(
          keepReducedDims(dy as Tensor, x.shape, attrs.axis as number[]),
          tf.fill(x.shape, share),
        );
      },
    }),
  },
  [tf.Max]: maxOrMin('reductionIndices'),
  [tf.Min]: maxOrMin('axis'),
  [tf.Softmax]: {
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => ({
      logits: () => {
        const weighted = tf.mul(dy as Tensor, y);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, attrs.dim as number, true), y));
      },
    }),
  },
  [tf.LogSoftmax]: {
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => ({
      logits: () => {
        const d = dy as Tensor;
        return tf.sub(d, tf.mul(tf.sum(d, attrs.axis as number, true), tf.exp(y)));
      },
    }),
  },

  // shapes
  [tf.Reshape]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.reshape(dy as Tensor, x.shape) }),
  },
  [tf.ExpandDims]: {
    inputsToSave: ['input'],
    gradFunc: (dy, [input]) => ({ input: () => tf.reshape(dy as Tensor, input.shape) }),
  },
  [tf.Transpose]: {
    gradFunc: (dy, _saved, attrs) => ({
      x: () => tf.transpose(dy as Tensor, tf.backend_util.getUndoAxesPermutation(attrs.perm as number[])),
    }),
  },
  [tf.BroadcastTo]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => unbroadcast(dy as Tensor, x.shape) }),
  },
  [tf.Tile]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const reps = attrs.reps as number[];
        const folded = tf.reshape(
          dy as Tensor,
          x.shape.flatMap((size, i) => [reps[i], size]),
        );
        return tf.sum(
          folded,
          x.shape.map((_, i) => 2 * i),
        );
      },
    }),
  },
  [tf.Concat]: {
    saveAllInputs: true,
    gradFunc: (dy, inputs, attrs) => {
      const axis = tf.util.parseAxisParam(attrs.axis as number, inputs[0].shape)[0];
      const parts = tf.split(
        dy as Tensor,
        inputs.map((input) => input.shape[axis]),
        axis,
      );
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
  [tf.SplitV]: {
    gradFunc: (dy, _saved, attrs) => ({ x: () => tf.concat(dy as Tensor[], attrs.axis as number) }),
  },
  [tf.Pack]: {
    saveAllInputs: true,
    gradFunc: (dy, _inputs, attrs) => {
      const parts = tf.unstack(dy as Tensor, attrs.axis as number);
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
  [tf.Unpack]: {
    gradFunc: (dy, _saved, attrs) => ({ value: () => tf.stack(dy as Tensor[], attrs.axis as number) }),
  },
  [tf.Slice]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const [begin, size] = tf.slice_util.parseSliceParams(
          x,
          attrs.begin as number[],
          attrs.size as number[],
        );
        return tf.pad(
          dy as Tensor,
          x.shape.map((full, i) => [begin[i], full - begin[i] - size[i]] as [number, number]),
        );
      },
    }),
  },
  [tf.PadV2]: {
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () =>
        tf.slice(
          dy as Tensor,
          (attrs.paddings as [number, number][]).map(([before]) => before),
          x.shape,
        ),
    }),
  },
  [tf.Select]: {
    inputsToSave: ['condition'],
    gradFunc: (dy, [condition]) => ({
      condition: () => tf.zerosLike(condition),
      t: () => tf.mul(dy as Tensor, tf.cast(condition, 'float32')),
      e: () => tf.mul(dy as Tensor, tf.cast(tf.logicalNot(condition), 'float32')),
    }),
  },
};

/** The tfjs kernels whose gradients are registered. */
export const differentiableKernels: readonly string[] = Object.keys(gradients);

let registered = false;

/**
 * Registers the gradients that tfjs-core itself leaves out in Node: there, only the whole of `@tensorflow/tfjs` brings them.
 * Gradients that are registered already stay as they are. Called by `valueAndGrads` and `checkpoint`.
 *
 * Gather, scatter and top-k have none here: `@minigpt/ops` has its own (`embedding`, `crossEntropy`).
 */
export function registerGradients(): void {
  if (registered) return;
  for (const [kernelName, gradient] of Object.entries(gradients)) {
    if (tf.getGradient(kernelName) == null) tf.registerGradient({ kernelName, ...gradient });
  }
  registered = true;
}
