import {
  countParameters,
  dispose,
  fromHost,
  type HostTensor,
  loadStateDict,
  parameters,
  type StateDict,
  valueAndGrads,
} from '@minigpt/core';
import { crossEntropy } from '@minigpt/ops';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { GPT, modelFromConfig } from './index.ts';

const data = referenceData();
const title = (what: string) => `${what} ${data ? '' : NEEDS_REFERENCE_DATA}`;

interface Golden {
  readonly loss: number;
  readonly param_count: number;
}

/** Next-token loss in which the labels equal the inputs: logits of t against the id at t + 1. */
function shiftedLoss(model: GPT, ids: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const [b, t] = ids.shape;
    const logits = model.call(ids); // [B, T, V]
    const rows = tf.reshape(tf.slice(logits, [0, 0, 0], [b, t - 1, model.vocabSize]), [-1, model.vocabSize]);
    return crossEntropy(rows as tf.Tensor2D, tf.reshape(tf.slice(ids, [0, 1], [b, t - 1]), [-1]) as tf.Tensor1D);
  });
}

describeOnBackends('GPT against GPT-2 in PyTorch', () => {
  it.skipIf(data === undefined)(title('logits, loss and every gradient by name'), async () => {
    const folder = `${data}/golden/models/gpt2`;
    const tensors = readReferenceTensors(`${folder}/golden.safetensors`);
    const golden = readReferenceJson<Golden>(`${folder}/golden.json`);
    const before = tf.memory().numTensors;
    const model = modelFromConfig(readReferenceJson(`${folder}/config.json`)) as GPT;
    loadStateDict(model, readReferenceTensors(`${folder}/model.safetensors`) as StateDict);
    expect(countParameters(model)).toBe(golden.param_count);

    const ids = fromHost(tensors.get('input_ids') as HostTensor) as tf.Tensor2D;
    const logits = model.call(ids);
    await expectClose(logits, tensors.get('logits') as HostTensor, { absolute: 1e-5 }, 'logits');
    const { value, grads } = valueAndGrads(() => shiftedLoss(model, ids), parameters(model));
    expect(Math.abs((await value.data())[0] - golden.loss)).toBeLessThan(2e-6);
    expect([...grads.keys()]).toEqual([...parameters(model).keys()]);
    for (const [name, gradient] of grads) {
      await expectClose(gradient, tensors.get(`grad.${name}`) as HostTensor, { absolute: 1e-6, relative: 1e-5 }, name);
    }
    tf.dispose([ids, logits, value, ...grads.values()]);
    dispose(model);
    expect(tf.memory().numTensors).toBe(before);
  });
});
