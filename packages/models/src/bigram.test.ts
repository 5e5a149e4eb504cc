import { dispose, parameters, Rng, valueAndGrads } from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import { sgd } from '@minigpt/training';
import * as tf from '@tensorflow/tfjs-core';
import { it } from 'vitest';
import { Bigram } from './index.ts';

describeOnBackends('Bigram', () => {
  it('learns the counted pairs', async () => {
    // After 0 come 1, 1, 1 and 2; after 1 comes 0 or 2; after 2 always 0.
    const pairs = [0, 1, 0, 1, 0, 1, 0, 2, 1, 0, 1, 2, 2, 0];
    const inputs = tf.tensor2d(
      pairs.filter((_, i) => i % 2 === 0),
      [1, 7],
      'int32',
    );
    const targets = tf.tensor1d(
      pairs.filter((_, i) => i % 2 === 1),
      'int32',
    );
    const model = new Bigram({ vocabSize: 3, rng: new Rng(1) });
    const optimizer = sgd({ parameters: parameters(model) });
    const loss = () =>
      tf.tidy(() => crossEntropy(tf.reshape(model.call(inputs), [-1, 3]) as tf.Tensor2D, targets));
    for (let step = 0; step < 600; step++) {
      const { value, grads } = valueAndGrads(loss, parameters(model));
      optimizer.step(grads, 4);
      tf.dispose([value, ...grads.values()]);
    }
    const learnt = tf.tidy(() => tf.softmax(model.wte.weight as tf.Tensor));
    const counted = tf.tensor2d([0, 0.75, 0.25, 0.5, 0, 0.5, 1, 0, 0], [3, 3]);
    await expectClose(
      learnt,
      { dtype: 'float32', shape: [3, 3], data: await counted.data<'float32'>() },
      { absolute: 3e-3 },
    );
    tf.dispose([inputs, targets, learnt, counted]);
    optimizer.dispose();
    dispose(model);
  });
}, ['cpu']);
