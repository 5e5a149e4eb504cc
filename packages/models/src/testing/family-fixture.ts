import {
  Context,
  dispose,
  fromHost,
  type HostTensor,
  type LanguageModel,
  loadStateDict,
  parameters,
  valueAndGrads,
  withoutWeights,
} from '@minigpt/core';
import { FixedKVCache, GrowingKVCache, SlidingKVCache } from '@minigpt/sampling';
import { describeOnBackends, expectClose, type TestedBackend, type Tolerance } from '@minigpt/testing';
import { measureTraining } from '@minigpt/testing/measure';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Mixtral, modelFromConfig } from '../index.ts';
import { type FamilyFixture, halves, nextTokens } from './fixture-tensors.ts';
import { hostScalar, hostVector, nextTokenLoss } from './next-token-loss.ts';

export interface FamilyTolerances {
  readonly logits: Tolerance;
  readonly loss: Tolerance;
  readonly gradient: Tolerance;
  /** Of the losses of three steps of training. */
  readonly training: Tolerance;
}

/** Holds a family to transformers: logits, loss and gradients, three steps of training, what `toConfig` writes, each kind of cache, padding. */
export function testFamilyFixture(
  name: string,
  { config, losses, read }: FamilyFixture,
  tolerances: FamilyTolerances,
  backends?: readonly TestedBackend[],
): void {
  /** Runs a check on the model of a config, frees it, and expects nothing to be left. */
  const withModel = async (
    check: (
      model: LanguageModel,
      ids: tf.Tensor2D,
      tensors: ReadonlyMap<string, HostTensor>,
    ) => Promise<void>,
  ) => {
    const tensors = await read();
    const before = tf.memory().numTensors;
    const model = withoutWeights(() => modelFromConfig(config));
    loadStateDict(model, halves(tensors, 0));
    const ids = fromHost(tensors.get('input_ids')!) as tf.Tensor2D;
    await check(model, ids, tensors);
    ids.dispose();
    dispose(model);
    expect(tf.memory().numTensors).toBe(before);
  };

  describeOnBackends(
    `${name} against transformers`,
    () => {
      it('logits, loss and every gradient by name', () =>
        withModel(async (model, ids, tensors) => {
          const logits = model.call(ids);
          await expectClose(logits, tensors.get('logits')!, tolerances.logits, 'logits');
          const { value, grads } = valueAndGrads(() => nextTokenLoss(model, ids), parameters(model));
          await expectClose(value, hostScalar(losses[0]), tolerances.loss, 'loss');
          expect([...grads.keys()]).toEqual([...parameters(model).keys()]);
          for (const [key, gradient] of grads) {
            await expectClose(
              gradient,
              halves(tensors, 1).get(key)!,
              tolerances.gradient,
              `gradient of ${key}`,
            );
          }
          tf.dispose([logits, value, ...grads.values()]);
        }));

      it('the same logits from what toConfig writes', () =>
        withModel(async (model, ids, tensors) => {
          const again = modelFromConfig(model.toConfig());
          loadStateDict(again, halves(tensors, 0));
          const logits = again.call(ids);
          await expectClose(logits, tensors.get('logits')!, tolerances.logits, 'logits');
          logits.dispose();
          dispose(again);
        }));

      // With these scalings earlier keys keep the angles of a shorter context, so that passes give other values by design
      // and so does a batch, whose last token is a target only.
      const dependsOnLength = /"(dynamic|longrope)"/.test(JSON.stringify(config));
      if (!dependsOnLength) {
        it('the losses of three steps of training', () =>
          withModel(async (model, _, tensors) => {
            const trained = await measureTraining(model, nextTokens(tensors.get('input_ids')!), 3);
            await expectClose(hostVector(trained.losses), hostVector(losses), tolerances.training, 'losses');
          }));

        it('the same logits in passes over a cache: growing, of fixed capacity, sliding', () =>
          withModel(async (model, ids, tensors) => {
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
                await expectClose(
                  logits,
                  columnsOf(expected, first, count),
                  tolerances.logits,
                  `logits from ${first}`,
                );
                first += count;
                tf.dispose([part, logits]);
              }
              cache.dispose();
            }
          }));

        it('the same logits for a row that is padded on the left', () =>
          withModel(async (model, ids, tensors) => {
            const padded = tf.tidy(() =>
              tf.concat([tf.zeros([1, 3], 'int32'), tf.slice(ids, [1, 0], [1, 9])], 1),
            );
            const logits = model.call(padded as tf.Tensor2D, Context.evaluation({ padding: [3] }));
            const [, , v] = logits.shape;
            const real = tf.slice(logits, [0, 3, 0], [1, 9, v]);
            const { data } = tensors.get('logits')!;
            const expected = { dtype: 'float32' as const, shape: [1, 9, v], data: data.subarray(9 * v) };
            await expectClose(real, expected, tolerances.logits, 'logits');
            tf.dispose([padded, logits, real]);
          }));
      }

      if (config.model_type === 'mixtral') {
        it('the loss that balances the experts, and the way it goes back to the routers', () =>
          withModel(async (model, ids, tensors) => {
            if (!(model instanceof Mixtral)) throw new Error('only Mixtral has experts');
            const { logits, balancingLoss } = model.callWithBalancingLoss(ids, Context.evaluation());
            await expectClose(
              balancingLoss,
              tensors.get('balancing_loss')!,
              tolerances.loss,
              'balancing loss',
            );
            await expectClose(logits, tensors.get('logits')!, tolerances.logits, 'logits');
            const routed = (ctx: Context) => model.callWithBalancingLoss(ids, ctx).balancingLoss;
            const { value, grads } = valueAndGrads(() => routed(Context.training()), parameters(model));
            const gate = grads.get('model.layers.1.block_sparse_moe.gate.weight')!;
            expect(Math.max(...(await gate.data())) > 0).toBe(true);
            expect(() => routed(Context.training({ checkpointing: true }))).toThrow('turn checkpointing off');
            tf.dispose([logits, balancingLoss, value, ...grads.values()]);
          }));
      }
    },
    backends,
  );
}

/** `[B, T, V]` → `[B, count, V]` */
function columnsOf({ shape: [b, t, v], data }: HostTensor, first: number, count: number): HostTensor {
  const rows = Array.from({ length: b }, (_, i) => [
    ...data.subarray((i * t + first) * v, (i * t + first + count) * v),
  ]);
  return { dtype: 'float32', shape: [b, count, v], data: Float32Array.from(rows.flat()) };
}
