import { fromHost, type HostTensor, Rng, toHost, valueAndGrads } from '@minigpt/core';
import * as ops from '@minigpt/ops';
import { describeOnBackends, expectClose, randomNormal, startBackend } from '@minigpt/testing';
import { adamW, globalNorm } from '@minigpt/training';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';

/** What a case computes, by name. */
type Results = Record<string, tf.Tensor>;

const normal = (shape: number[], key: string) => fromHost(randomNormal(shape, new Rng(3).fold(key)));

/** y of a function and the gradients of its inputs, with a cotangent of normal values. */
function withGrads(shapes: number[][], f: (...inputs: tf.Tensor[]) => tf.Tensor): Results {
  const inputs = shapes.map((shape, i) => tf.variable(normal(shape, `input ${i}`)));
  const y = f(...inputs);
  const cotangent = normal(y.shape, 'cotangent');
  const named = new Map(inputs.map((input, i) => [`gradient ${i}`, input]));
  const { grads } = valueAndGrads(() => tf.sum(tf.mul(f(...inputs), cotangent)) as tf.Scalar, named);
  return { y, ...Object.fromEntries(grads) };
}

const heads = (x: tf.Tensor) => x as tf.Tensor4D;

function rotated(layout: ops.RopeLayout, rows: number): Results {
  const [t, half] = [5, 3];
  const { data } = randomNormal([rows, t, half], new Rng(3).fold('angles'));
  const shape = rows === 1 ? [t, half] : [rows, t, half];
  const [cos, sin] = [Math.cos, Math.sin].map((f) => tf.tensor(Float32Array.from(data, f), shape)); // a card's are coarse
  return withGrads([[2, 3, t, 8]], (x) => ops.rope(heads(x), cos, sin, { layout }));
}

function stepped(): Results {
  const parameters = new Map(
    [[5, 7], [65], [3]].map((shape, i) => [`p${i}`, tf.variable(normal(shape, `parameter ${i}`))]),
  );
  const optimizer = adamW({ parameters, weightDecay: 0.1 });
  for (let step = 0; step < 3; step++) {
    const grads = [...parameters].map(
      ([name, { shape }]) => [name, normal(shape, `${name} ${step}`)] as const,
    );
    optimizer.step(new Map(grads), 0.01);
  }
  return Object.fromEntries([...parameters, ...optimizer.variables()]);
}

/** More tensors than a program reads at once, one of them larger than its workgroups. */
const manyGrads = () =>
  new Map(
    Array.from({ length: 70 }, (_, i) => [`g${i}`, normal(i === 0 ? [70, 71] : [1 + (i % 5), 3], `g${i}`)]),
  );

/** What is beyond the small shapes of `testBackend`, and the kernels that it does not reach. */
const cases: Readonly<Record<string, () => Results>> = {
  'a product too large for one pass': () =>
    withGrads([[130, 131], [140, 131], [140]], (x, w, b) =>
      ops.linear(x, w as tf.Tensor2D, b as tf.Tensor1D),
    ),
  'attention of more than a workgroup each way': () =>
    withGrads(
      [
        [1, 1, 70, 70],
        [1, 1, 130, 70],
        [1, 1, 130, 70],
      ],
      (q, k, v) => ops.attention(heads(q), heads(k), heads(v), { causal: true }),
    ),
  'attention with a mask and then without one': () =>
    withGrads(
      [
        [1, 2, 3, 4],
        [1, 1, 3, 4],
        [1, 1, 3, 4],
      ],
      (q, k, v) => {
        const masked = ops.attention(heads(q), heads(k), heads(v), { mask: normal([3, 3], 'mask') });
        return tf.add(masked, ops.attention(heads(q), heads(k), heads(v)));
      },
    ),
  'rope, half': () => rotated('half', 1),
  'rope, interleaved': () => rotated('interleaved', 1),
  'rope of rows at other positions': () => rotated('half', 2),
  swiglu: () =>
    withGrads(
      [
        [3, 67],
        [3, 67],
      ],
      (gate, up) => ops.swiglu(gate, up),
    ),
  'three steps of AdamW': stepped,
  'the norm of many gradients': () => ({ norm: globalNorm(manyGrads()) }),
};

async function resultsOf(run: () => Results): Promise<Map<string, HostTensor>> {
  const results = new Map<string, HostTensor>();
  tf.engine().startScope();
  for (const [name, tensor] of Object.entries(run())) results.set(name, await toHost(tensor));
  tf.engine().endScope();
  tf.disposeVariables();
  return results;
}

export function testGpuKernels(backend: 'webgl' | 'webgpu'): void {
  describeOnBackends('kernels', () => {
    it('are registered', () => {
      for (const name of ['Attention', 'LayerNormGrad', 'AdamW', 'GlobalNorm'])
        expect(ops.hasKernel(name), name).toBe(true);
    });

    for (const [title, run] of Object.entries(cases)) {
      it(`${title} is that of cpu`, async () => {
        const here = await resultsOf(run);
        await startBackend('cpu');
        const reference = await resultsOf(run);
        await startBackend(backend);
        expect([...here.keys()]).toEqual([...reference.keys()]);
        for (const [name, value] of reference)
          await expectClose(here.get(name)!, value, { absolute: 2e-5, relative: 5e-6 }, name);
      });
    }
  }, [backend]);
}
