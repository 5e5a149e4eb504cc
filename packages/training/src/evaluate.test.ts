import { ConfigError, Context, dispose, type TokenBatch, TokenRangeError } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import { memory, tensor2d } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { batchLoss } from './batch-loss.ts';
import { evaluate } from './evaluate.ts';
import { TinyModel } from './testing/tiny-model.ts';

const batch: TokenBatch = {
  inputs: Int32Array.of(0, 1, 2, 3, 6, 5, 0, 0),
  targets: Int32Array.of(1, 2, 3, 4, 5, 0, 0, 6),
  shape: [2, 4],
};
const tail: TokenBatch = { inputs: Int32Array.of(4), targets: Int32Array.of(2), shape: [1, 1] };

/** -log softmax(logits)[target] of each token in float64, from the logits that the model gives. */
function lossesOnTheHost(model: TinyModel, { inputs, targets, shape }: TokenBatch): number[] {
  const ids = tensor2d(inputs, [...shape], 'int32');
  const logits = model.call(ids);
  const data = logits.dataSync();
  ids.dispose();
  logits.dispose();
  return Array.from(targets, (target, i) => {
    const row = Array.from(data.subarray(i * model.vocabSize, (i + 1) * model.vocabSize));
    return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[target];
  });
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

describeOnBackends('evaluate', () => {
  it('is the mean over all tokens, a shorter batch weighing less, and keeps no tensor', async () => {
    const model = new TinyModel({ dropout: 0.5 });
    const before = memory().numTensors;
    const { loss, tokens } = await evaluate({ model, batches: [batch, tail] });
    expect(tokens).toBe(9);
    expect(
      Math.abs(loss - mean([...lossesOnTheHost(model, batch), ...lossesOnTheHost(model, tail)])),
    ).toBeLessThan(1e-6);
    expect(memory().numTensors).toBe(before);
    dispose(model);
  });

  it('counts the last positions where the model answers for these only', async () => {
    const full = new TinyModel();
    const last = new TinyModel({ answered: 1 });
    const measured = await evaluate({ model: last, batches: [batch] });
    const losses = lossesOnTheHost(full, batch);
    expect(measured.tokens).toBe(2);
    expect(Math.abs(measured.loss - mean([losses[3], losses[7]]))).toBeLessThan(1e-6);
    dispose(full);
    dispose(last);
  });

  it('refuses no batches, and ids that the vocabulary lacks', async () => {
    const model = new TinyModel();
    await expect(evaluate({ model, batches: [] })).rejects.toThrow(ConfigError);
    const wrong = { ...tail, targets: Int32Array.of(7) };
    expect(() => batchLoss(model, () => wrong, Context.evaluation())).toThrow(TokenRangeError);
    await expect(evaluate({ model, batches: [{ ...tail, inputs: Int32Array.of(-1) }] })).rejects.toThrow(
      'Token ids must lie in 0…6, but -1 came',
    );
    dispose(model);
  });
});
