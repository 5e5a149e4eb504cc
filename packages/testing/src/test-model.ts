import {
  Context,
  dispose,
  fromHost,
  type HostTensor,
  type LanguageModel,
  loadStateDict,
  parameters,
  Rng,
  stateDict,
  toHost,
  valueAndGrads,
} from '@minigpt/core';
import { tokenLosses } from '@minigpt/ops';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends, startBackend } from './backends.ts';
import { expectClose, type Tolerance } from './close.ts';
import { expectFiniteDifferences } from './finite-differences.ts';
import { randomIds } from './random.ts';

export interface TestModelOptions {
  /** Builds a model from what `toConfig` gave, as `modelFromConfig` does. */
  readonly fromConfig: (config: Readonly<Record<string, unknown>>) => LanguageModel;
  /** How far logits and gradients may lie from those of the cpu backend, and a row from the same in a batch. */
  readonly acrossBackends?: Tolerance;
}

/**
 * What every language model of this project keeps to, as a vitest suite: logits of the last positions that see no later
 * token and no other row, gradients, files, learning, memory, and equality between backends.
 *
 *     testModel('GPT', (rng) => new GPT({ vocabSize: 7, …, rng }), { fromConfig: modelFromConfig });
 *
 * @param make builds a small model (a few hundred parameters, a vocabulary of at least 4) from a key, dropout included
 */
export function testModel(
  name: string,
  make: (rng: Rng) => LanguageModel,
  { fromConfig, acrossBackends = { absolute: 2e-6, relative: 2e-6 } }: TestModelOptions,
): void {
  const rng = new Rng(1);
  const training = (checkpointing = false) => Context.training({ rng: rng.fold('step'), checkpointing });

  /** Two full rows of ids. */
  const idsFor = ({ vocabSize, blockSize }: LanguageModel) => randomIds([2, blockSize], vocabSize, rng);

  async function logitsOf(model: LanguageModel, ids: HostTensor): Promise<HostTensor> {
    const input = fromHost(ids) as tf.Tensor2D;
    const logits = model.call(input);
    const onHost = await toHost(logits);
    tf.dispose([input, logits]);
    return onHost;
  }

  /** The loss at each answered position of predicting the id that is one higher than the one there. */
  function lossesOf(model: LanguageModel, ids: HostTensor, ctx: Context): tf.Tensor1D {
    return tf.tidy(() => {
      const logits = model.call(fromHost(ids) as tf.Tensor2D, ctx); // [B, T', V]
      const [b, answered, v] = logits.shape;
      const columns = Array.from({ length: answered }, (_, i) => model.blockSize - answered + i);
      const targets = Array.from({ length: b }, (_, row) =>
        columns.map((column) => (ids.data[row * model.blockSize + column] + 1) % v),
      );
      return tokenLosses(tf.reshape(logits, [-1, v]) as tf.Tensor2D, tf.tensor1d(targets.flat(), 'int32'));
    });
  }

  const lossOf = (...args: Parameters<typeof lossesOf>) =>
    tf.tidy(() => tf.mean<tf.Scalar>(lossesOf(...args)));

  /** Loss and gradients on the host. */
  async function measure(model: LanguageModel, ctx: Context): Promise<Map<string, HostTensor>> {
    const ids = idsFor(model);
    const { value, grads } = valueAndGrads(() => lossOf(model, ids, ctx), parameters(model));
    const measured = new Map([['loss', await toHost(value)]]);
    for (const [path, gradient] of grads) measured.set(`gradient of ${path}`, await toHost(gradient));
    tf.dispose([value, ...grads.values()]);
    return measured;
  }

  describeOnBackends(`model ${name}`, (backend) => {
    /** Runs a check on a fresh model, and expects that nothing is left when that is disposed. */
    const check = (title: string, body: (model: LanguageModel) => Promise<void>) =>
      it(title, async () => {
        const before = tf.memory().numTensors;
        const model = make(rng.fold('model'));
        await body(model);
        dispose(model);
        expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
      });

    check('gives logits of the last positions for every length', async (model) => {
      for (let length = 1; length <= model.blockSize; length++) {
        const ids = randomIds([2, length], model.vocabSize, rng);
        const { shape, dtype } = await logitsOf(model, ids);
        expect(dtype).toBe('float32');
        expect([shape[0], shape[2]]).toEqual([2, model.vocabSize]);
        expect(shape[1]).toBeGreaterThanOrEqual(1);
        expect(shape[1]).toBeLessThanOrEqual(length);
      }
    });

    check('sees no later token', async (model) => {
      const ids = idsFor(model);
      const { data, shape } = await logitsOf(model, ids);
      const changed = { ...ids, data: ids.data.slice() };
      const lastOfRow0 = model.blockSize - 1;
      changed.data[lastOfRow0] = (changed.data[lastOfRow0] + 1) % model.vocabSize;
      const after = (await logitsOf(model, changed)).data;
      const [, answered, v] = shape;
      const earlier = (answered - 1) * v;
      expect(after.slice(0, earlier)).toEqual(data.slice(0, earlier));
      expect(after.slice(earlier, answered * v)).not.toEqual(data.slice(earlier, answered * v));
    });

    check('treats each row of a batch by itself', async (model) => {
      const ids = idsFor(model);
      const both = await logitsOf(model, ids);
      const row = ids.data.subarray(0, model.blockSize);
      const alone = await logitsOf(model, { dtype: 'int32', shape: [1, model.blockSize], data: row });
      const first = both.data.subarray(0, alone.data.length) as Float32Array;
      await expectClose(alone, { ...alone, data: first }, acrossBackends, 'logits');
    });

    check('is the same model again from its config and its state', async (model) => {
      const config: unknown = JSON.parse(JSON.stringify(model.toConfig()));
      const again = fromConfig(config as Readonly<Record<string, unknown>>);
      expect(again.toConfig()).toEqual(model.toConfig());
      loadStateDict(again, await stateDict(model));
      expect(await logitsOf(again, idsFor(model))).toEqual(await logitsOf(model, idsFor(model)));
      dispose(again);
    });

    check('learns: steps down the gradient reduce the loss', async (model) => {
      const ids = idsFor(model);
      const losses: number[] = [];
      for (let step = 0; step < 5; step++) {
        const { value, grads } = valueAndGrads(
          () => lossOf(model, ids, Context.evaluation()),
          parameters(model),
        );
        losses.push((await value.data())[0]);
        for (const [path, variable] of parameters(model)) {
          const gradient = grads.get(path);
          if (gradient !== undefined)
            tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(gradient, 0.03))));
        }
        tf.dispose([value, ...grads.values()]);
      }
      expect(losses).toEqual(losses.toSorted((a, b) => b - a));
      expect(losses.at(-1)!).toBeLessThan(losses[0]);
    });

    check('has the same gradients when activations are recomputed', async (model) => {
      expect(await measure(model, training(true))).toEqual(await measure(model, training()));
    });

    if (backend === 'cpu') {
      check('has the gradients of its finite differences', async (model) => {
        const ids = idsFor(model);
        const losses = () => lossesOf(model, ids, Context.evaluation());
        expectFiniteDifferences(losses, parameters(model), { elements: 4, step: 2 ** -6, tolerance: 1e-4 });
      });
    } else {
      check('gives the logits, loss and gradients of cpu', async (model) => {
        const here = await measure(model, training());
        here.set('logits', await logitsOf(model, idsFor(model)));
        await startBackend('cpu');
        const reference = await measure(model, training());
        reference.set('logits', await logitsOf(model, idsFor(model)));
        await startBackend(backend);
        expect([...here.keys()]).toEqual([...reference.keys()]);
        for (const [what, value] of here)
          await expectClose(value, reference.get(what)!, acrossBackends, what);
      });
    }
  });
}
