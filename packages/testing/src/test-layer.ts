import {
  Context,
  checkpoint,
  dispose,
  fromHost,
  type HostTensor,
  type Module,
  parameter,
  parameters,
  Rng,
  stateDict,
  toHost,
  valueAndGrads,
} from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends, startBackend } from './backends.ts';
import { expectClose, type Tolerance } from './close.ts';
import { expectFiniteDifferences, type FiniteDifferencesOptions } from './finite-differences.ts';
import { randomIds, randomNormal } from './random.ts';

export interface TestLayerOptions extends FiniteDifferencesOptions {
  /** The shape of a small input, such as `[2, 3, 8]`. */
  readonly input: readonly number[];
  /** The shape that the layer makes of it. */
  readonly output: readonly number[];
  /** The input is token ids below this number instead of float32. */
  readonly vocabSize?: number;
  /** How far values and gradients may lie from those of the cpu backend. */
  readonly acrossBackends?: Tolerance;
}

/**
 * What every layer of this project keeps to, as a vitest suite: shapes, names, gradients, seeds, random masks, memory and
 * equality between backends. One line a layer:
 *
 *     testLayer('RMSNorm', () => new RMSNorm({ size: 8 }), { input: [2, 3, 8], output: [2, 3, 8] });
 *
 * @param make builds a small layer from a key; the same key gives the same layer
 */
export function testLayer(name: string, make: (rng: Rng) => Module, options: TestLayerOptions): void {
  const { input, output, vocabSize, acrossBackends = { absolute: 1e-6, relative: 1e-6 } } = options;
  const rng = new Rng(1);
  const inputValues =
    vocabSize === undefined ? randomNormal(input, rng.fold('input')) : randomIds(input, vocabSize, rng);
  const inputName = vocabSize === undefined ? ['input'] : [];
  const contexts = { evaluation: () => Context.evaluation(), training: () => trainingContext(3) };

  /** A layer whose parameters are moved off their first values, where a one or a zero could hide a mistake. */
  function moved(): Module {
    const layer = make(rng.fold('layer'));
    for (const [path, variable] of parameters(layer)) {
      const noise = randomNormal(variable.shape, rng.fold('moved').fold(path));
      tf.tidy(() => variable.assign(tf.add(variable, tf.mul(fromHost(noise), 0.3))));
    }
    return layer;
  }

  /** The output and all gradients, on the host. */
  async function measure(run: (layer: Module, x: tf.Tensor) => tf.Tensor): Promise<Map<string, HostTensor>> {
    const layer = moved();
    const x = parameter(fromHost(inputValues));
    const variables = new Map([...inputName.map((key) => [key, x] as const), ...parameters(layer)]);
    const weights = fromHost(randomNormal(output, rng.fold('cotangent')));
    const out = run(layer, x);
    const measured = new Map([['output', await toHost(out)]]);
    const { value, grads } = valueAndGrads(
      () => tf.sum(tf.mul(run(layer, x), weights)) as tf.Scalar,
      variables,
    );
    for (const [key, gradient] of grads) measured.set(`gradient of ${key}`, await toHost(gradient));
    tf.dispose([x, weights, out, value, ...grads.values()]);
    dispose(layer);
    return measured;
  }

  describeOnBackends(`layer ${name}`, (backend) => {
    it('keeps its shape contract and owns nothing but named parameters', async () => {
      const before = tf.memory().numTensors;
      const layer = make(rng);
      expect(tf.memory().numTensors - before, 'tensors that are not fields of the tree').toBe(
        parameters(layer).size,
      );
      const x = fromHost(inputValues);
      const out = layer.call(x);
      expect(out.shape).toEqual(output);
      expect(out.dtype).toBe('float32');
      const written = await toHost(x);
      expect(written.data, 'the input is left as it was').toEqual(inputValues.data);
      tf.dispose([x, out]);
      dispose(layer);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('leaves no tensor behind after a gradient', async () => {
      const before = tf.memory().numTensors;
      await measure((layer, x) => layer.call(x, trainingContext(3)));
      expect(tf.memory().numTensors).toBe(before);
    });

    it('is the same layer for the same key', async () => {
      const [one, other] = [make(rng), make(rng)];
      expect(await stateDict(other)).toEqual(await stateDict(one));
      dispose(one);
      dispose(other);
    });

    it('draws its masks from the key alone: a recomputation repeats them, another step does not', async () => {
      const plain = await measure((layer, x) => layer.call(x, trainingContext(3)));
      if (vocabSize === undefined) {
        const recomputed = await measure((layer, x) => checkpoint(layer, x, trainingContext(3)));
        expect(recomputed).toEqual(plain);
      }
      const outputIn = async (ctx: Context) =>
        (await measure((layer, x) => layer.call(x, ctx))).get('output')!.data.join();
      const random = plain.get('output')!.data.join() !== (await outputIn(Context.evaluation()));
      expect(plain.get('output')!.data.join() !== (await outputIn(trainingContext(4)))).toBe(random);
    });

    for (const [mode, context] of Object.entries(contexts)) {
      if (backend === 'cpu') {
        it(`has the gradients of its finite differences in ${mode}`, () => {
          const layer = moved();
          const x = parameter(fromHost(inputValues));
          const variables = new Map([...inputName.map((key) => [key, x] as const), ...parameters(layer)]);
          expectFiniteDifferences(() => layer.call(x, context()), variables, options);
          x.dispose();
          dispose(layer);
        });
      } else {
        it(`gives the values and gradients of cpu in ${mode}`, async () => {
          const here = await measure((layer, x) => layer.call(x, context()));
          await startBackend('cpu');
          const reference = await measure((layer, x) => layer.call(x, context()));
          await startBackend(backend);
          expect([...here.keys()]).toEqual([...reference.keys()]);
          for (const [what, value] of here)
            await expectClose(value, reference.get(what)!, acrossBackends, what);
        });
      }
    }
  });
}

function trainingContext(step: number): Context {
  return Context.training({ rng: new Rng(2).fold(step) });
}
