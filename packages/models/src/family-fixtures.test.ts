import {
  Context,
  dispose,
  fromHost,
  type HostTensor,
  type LanguageModel,
  loadStateDict,
  parameters,
  type StateDict,
  valueAndGrads,
  withoutWeights,
} from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { FixedKVCache, GrowingKVCache, SlidingKVCache } from '@minigpt/sampling';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import { readReferenceJson, readReferenceTensors } from '@minigpt/testing/reference';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { Config } from './config.ts';
import { Mixtral, modelFromConfig } from './index.ts';

// Made by scripts/make-family-fixtures.py.
const fixtures = new URL('../fixtures/families', import.meta.url).pathname;
const { models } = readReferenceJson<{ models: Record<string, { loss: number; config: Config }> }>(
  `${fixtures}.json`,
);
const all = readReferenceTensors(`${fixtures}.safetensors`);

// Above the worst difference measured on cpu, wasm and node, which the comments give.
const LOGITS = { absolute: 6e-6 }; // 4.4e-6
const LOSS = { absolute: 1e-6 }; // 4.8e-7
const GRADIENT = { absolute: 3e-6, relative: 1e-6 }; // 3.6e-6, where the gradient is large

for (const [name, { config, loss }] of Object.entries(models)) {
  const tensors = new Map(
    [...all]
      .filter(([key]) => key.startsWith(`${name}/`))
      .map(([key, value]) => [key.slice(name.length + 1), value]),
  );
  const weights = halves(tensors, 0);
  const gradients = halves(tensors, 1);

  /** Runs a check on the model of a config, frees it, and expects nothing to be left. */
  const withModel = async (
    check: (model: LanguageModel, ids: tf.Tensor2D) => Promise<void>,
    from = config,
  ) => {
    const before = tf.memory().numTensors;
    const model = withoutWeights(() => modelFromConfig(from));
    loadStateDict(model, weights);
    const ids = fromHost(tensors.get('input_ids')!) as tf.Tensor2D;
    await check(model, ids);
    ids.dispose();
    dispose(model);
    expect(tf.memory().numTensors).toBe(before);
  };

  describeOnBackends(`${name} against transformers`, () => {
    it('logits, loss and every gradient by name', () =>
      withModel(async (model, ids) => {
        const logits = model.call(ids);
        await expectClose(logits, tensors.get('logits')!, LOGITS, 'logits');
        const { value, grads } = valueAndGrads(() => nextTokenLoss(model, ids), parameters(model));
        await expectClose(value, scalar(loss), LOSS, 'loss');
        expect([...grads.keys()]).toEqual([...parameters(model).keys()]);
        for (const [key, gradient] of grads) {
          await expectClose(gradient, gradients.get(key)!, GRADIENT, `gradient of ${key}`);
        }
        tf.dispose([logits, value, ...grads.values()]);
      }));

    it('the same logits from what toConfig writes', () =>
      withModel(async (model, ids) => {
        const again = modelFromConfig(model.toConfig());
        loadStateDict(again, weights);
        const logits = again.call(ids);
        await expectClose(logits, tensors.get('logits')!, LOGITS, 'logits');
        logits.dispose();
        dispose(again);
      }));

    // With these scalings earlier keys keep the angles of a shorter context, so that passes give other values by design.
    const dependsOnLength = /"(dynamic|longrope)"/.test(JSON.stringify(config));
    if (!dependsOnLength) {
      it('the same logits in passes over a cache: growing, of fixed capacity, sliding', () =>
        withModel(async (model, ids) => {
          const expected = tensors.get('logits')!;
          for (const cache of [
            new GrowingKVCache(),
            new FixedKVCache({ capacity: 12 }),
            new SlidingKVCache({ window: 12 }),
          ]) {
            let first = 0;
            for (const count of [4, 1, 3, 1]) {
              const part = tf.slice(ids, [0, first], [2, count]);
              const logits = model.call(part, Context.evaluation({ cache }));
              await expectClose(logits, columnsOf(expected, first, count), LOGITS, `logits from ${first}`);
              first += count;
              tf.dispose([part, logits]);
            }
            cache.dispose();
          }
        }));

      it('the same logits for a row that is padded on the left', () =>
        withModel(async (model, ids) => {
          const padded = tf.tidy(() =>
            tf.concat([tf.zeros([1, 3], 'int32'), tf.slice(ids, [1, 0], [1, 9])], 1),
          );
          const logits = model.call(padded as tf.Tensor2D, Context.evaluation({ padding: [3] }));
          const [, , v] = logits.shape;
          const real = tf.slice(logits, [0, 3, 0], [1, 9, v]);
          const { data } = tensors.get('logits')!;
          const expected = { dtype: 'float32' as const, shape: [1, 9, v], data: data.subarray(9 * v) };
          await expectClose(real, expected, LOGITS, 'logits');
          tf.dispose([padded, logits, real]);
        }));
    }

    if (tensors.has('balancing_loss')) {
      it('the loss that balances the experts, and the way it goes back to the routers', () =>
        withModel(async (model, ids) => {
          if (!(model instanceof Mixtral)) throw new Error('only Mixtral has experts');
          const { logits, balancingLoss } = model.callWithBalancingLoss(ids, Context.evaluation());
          await expectClose(balancingLoss, tensors.get('balancing_loss')!, LOSS, 'balancing loss');
          await expectClose(logits, tensors.get('logits')!, LOGITS, 'logits');
          const routed = (ctx: Context) => model.callWithBalancingLoss(ids, ctx).balancingLoss;
          const { value, grads } = valueAndGrads(() => routed(Context.training()), parameters(model));
          const gate = grads.get('model.layers.1.block_sparse_moe.gate.weight')!;
          expect(Math.max(...(await gate.data())) > 0).toBe(true);
          expect(() => routed(Context.training({ checkpointing: true }))).toThrow('turn checkpointing off');
          tf.dispose([logits, balancingLoss, value, ...grads.values()]);
        }));
    }
  });
}

/** The parameters, or their gradients: `weight.<name>` holds both, `[2, ...]`. */
function halves(tensors: ReadonlyMap<string, HostTensor>, which: 0 | 1): StateDict {
  const found = new Map<string, HostTensor>();
  for (const [key, { shape, data }] of tensors) {
    if (!key.startsWith('weight.')) continue;
    const size = data.length / 2;
    const values = data.subarray(which * size, (which + 1) * size);
    found.set(key.slice('weight.'.length), { dtype: 'float32', shape: shape.slice(1), data: values });
  }
  return found;
}

/** `[B, T, V]` → `[B, count, V]` */
function columnsOf({ shape: [b, t, v], data }: HostTensor, first: number, count: number): HostTensor {
  const rows = Array.from({ length: b }, (_, i) => [
    ...data.subarray((i * t + first) * v, (i * t + first + count) * v),
  ]);
  return { dtype: 'float32', shape: [b, count, v], data: Float32Array.from(rows.flat()) };
}

/** Labels equal the inputs, and the shift happens here: logits of t against the id at t + 1. */
function nextTokenLoss(model: LanguageModel, ids: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const [b, t] = ids.shape;
    const logits = model.call(ids); // [B, T, V]
    const rows = tf.reshape(tf.slice(logits, [0, 0, 0], [b, t - 1, model.vocabSize]), [-1, model.vocabSize]);
    const labels = tf.reshape(tf.slice(ids, [0, 1], [b, t - 1]), [-1]);
    return crossEntropy(rows as tf.Tensor2D, labels as tf.Tensor1D);
  });
}

const scalar = (value: number): HostTensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) });
