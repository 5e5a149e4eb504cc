import '@tensorflow/tfjs-backend-cpu';
import { countParameters, dispose, Rng } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { MLPLanguageModel } from './index.ts';

const small = () =>
  new MLPLanguageModel({ vocabSize: 7, blockSize: 3, nEmbd: 2, nHidden: 4, rng: new Rng(1) });

function logits(model: MLPLanguageModel, ids: number[]): number[][] {
  return tf.tidy(() => model.call(tf.tensor2d([ids], [1, ids.length], 'int32')).arraySync()[0]);
}

it('has the number of parameters that its sizes give', () => {
  const model = new MLPLanguageModel({
    vocabSize: 512,
    blockSize: 32,
    nEmbd: 64,
    nHidden: 512,
    rng: new Rng(1),
  });
  expect(countParameters(model)).toBe(1_344_512);
  dispose(model);
});

it('answers once for each full window, as if it saw nothing else', () => {
  const model = small();
  const ids = [1, 2, 3, 4, 5];
  const all = logits(model, ids);
  expect(all.length).toBe(3);
  for (const [i, row] of all.entries()) {
    const [alone] = logits(model, ids.slice(i, i + 3));
    for (const [j, value] of row.entries()) expect(value).toBeCloseTo(alone[j], 6);
  }
  dispose(model);
});

it('fills a short prompt up in front with token 0', () => {
  const model = small();
  expect(logits(model, [5])).toEqual(logits(model, [0, 0, 5]));
  dispose(model);
});

it('tells the order of the tokens', () => {
  const model = small();
  expect(logits(model, [1, 2, 3])).not.toEqual(logits(model, [2, 1, 3]));
  dispose(model);
});
