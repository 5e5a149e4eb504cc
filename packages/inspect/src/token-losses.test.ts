import { Rng } from '@minigpt/core';
import { Bigram, MLPLanguageModel } from '@minigpt/models';
import { crossEntropy } from '@minigpt/ops';
import { describeOnBackends } from '@minigpt/testing';
import { reshape, type Tensor1D, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { tokenLosses } from './index.ts';
import { predictionOf } from './prediction.ts';
import { families, IDS, makeFamily, withModel } from './testing/families.ts';
import { idTensor } from './token-ids.ts';

const models = {
  ...Object.fromEntries(families.map((name) => [name, () => makeFamily(name)])),
  bigram: () => new Bigram({ vocabSize: 11, rng: new Rng(5) }),
};

describeOnBackends('the loss of each token', () => {
  for (const [name, make] of Object.entries(models)) {
    it(`${name}: means to what crossEntropy gives`, () =>
      withModel(make, async (model) => {
        const losses = await tokenLosses(model, IDS, { topK: 3 });
        const whole = tidy(() => {
          const logits = reshape(model.call(idTensor(IDS.slice(0, -1), 11)), [-1, 11]) as Tensor2D;
          return crossEntropy(logits, tensor1d(IDS.slice(1), 'int32') as Tensor1D);
        });
        const [expected] = await whole.data();
        whole.dispose();
        expect(losses.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6]);
        expect(losses.map(({ next }) => next.id)).toEqual(IDS.slice(1));
        expect(losses.reduce((sum, { loss }) => sum + loss, 0) / 6).toBeCloseTo(expected, 5);
        for (const { loss, next, top } of losses) {
          expect(loss).toBe(-next.logProbability);
          expect(top.map(({ rank }) => rank)).toEqual([1, 2, 3]);
        }
      }));
  }

  it('a model that needs a full window answers from there on, or once for a short text', () =>
    withModel(
      () => new MLPLanguageModel({ vocabSize: 11, blockSize: 4, nEmbd: 3, nHidden: 5, rng: new Rng(1) }),
      async (model) => {
        expect((await tokenLosses(model, IDS)).map(({ position }) => position)).toEqual([4, 5, 6]);
        expect((await tokenLosses(model, IDS.slice(0, 3))).map(({ position }) => position)).toEqual([2]);
        await expect(tokenLosses(model, [1])).rejects.toThrow('A text needs at least 2 tokens');
      },
    ));
});

describe('a row of logits', () => {
  it('ranks, with log-probabilities and the entropy in nats', () => {
    const logits = [Math.log(1), Math.log(5), Number.NEGATIVE_INFINITY, Math.log(2), Math.log(2)];
    const { top, entropy, next } = predictionOf(logits, 3, 4);
    expect(top.map(({ id, rank }) => [id, rank])).toEqual([
      [1, 1],
      [3, 2],
      [4, 2],
    ]);
    expect(top[0].logProbability).toBeCloseTo(Math.log(0.5), 12);
    expect(next).toEqual(top[2]);
    expect(entropy).toBeCloseTo(0.5 * Math.log(2) + 0.1 * Math.log(10) + 0.4 * Math.log(5), 12);
    expect(predictionOf(logits, 0)).toEqual({ top: [], entropy });
    expect(predictionOf(logits, 9).top).toHaveLength(5);
  });

  it('does not overflow', () => {
    expect(predictionOf([1e30, -1e30, 1e30], 1).top[0].logProbability).toBeCloseTo(-Math.LN2, 12);
    expect(predictionOf([800, 0], 2, 1).next!.logProbability).toBe(-800);
  });
});
