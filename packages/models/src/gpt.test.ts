import '@tensorflow/tfjs-backend-cpu';
import { Context, dispose, parameters, Rng, ShapeError } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { GPT, type GPTOptions } from './index.ts';

const small: GPTOptions = { vocabSize: 11, blockSize: 6, nLayer: 2, nHead: 2, nEmbd: 4, rng: new Rng(1) };
const prompt = () => tf.tensor2d([[3, 1, 4]], [1, 3], 'int32');

/** Runs `use` on a small model, frees everything and returns what it gave. */
function withGPT<T extends tf.TensorContainer>(options: Partial<GPTOptions>, use: (model: GPT) => T): T {
  const model = new GPT({ ...small, ...options });
  const result = tf.tidy(() => use(model));
  dispose(model);
  return result;
}

it('has GPT-2’s parameter names; without biases and tied output, fewer and one more', () => {
  const names = (options: Partial<GPTOptions>) => withGPT(options, (model) => [...parameters(model).keys()]);
  const block = (i: number) =>
    ['ln_1', 'attn.c_attn', 'attn.c_proj', 'ln_2', 'mlp.c_fc', 'mlp.c_proj'].flatMap((part) =>
      ['weight', 'bias'].map((field) => `transformer.h.${i}.${part}.${field}`),
    );
  const ends = ['transformer.ln_f.weight', 'transformer.ln_f.bias'];
  const all = ['transformer.wte.weight', 'transformer.wpe.weight', ...block(0), ...block(1), ...ends];
  expect(names({}).sort()).toEqual(all.toSorted());
  const plain = all.filter((name) => !name.endsWith('.bias'));
  expect(names({ bias: false, tieWordEmbeddings: false }).sort()).toEqual(
    ['lm_head.weight', ...plain].sort(),
  );
});

it('starts as GPT-2 does: N(0, 0.02²), the residual projections divided by √(2 nLayer), norms at one and zero', () => {
  const model = new GPT({ ...small, vocabSize: 64, nEmbd: 64, nLayer: 2 });
  for (const [name, variable] of parameters(model)) {
    const values = variable.dataSync<'float32'>();
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    if (name.includes('.ln_') && name.endsWith('weight')) expect([mean, std], name).toEqual([1, 0]);
    else if (name.endsWith('bias')) expect([mean, std], name).toEqual([0, 0]);
    else {
      const expected = name.endsWith('c_proj.weight') ? 0.02 / Math.sqrt(4) : 0.02;
      const n = values.length;
      expect(Math.abs(mean), name).toBeLessThan((5 * expected) / Math.sqrt(n));
      expect(Math.abs(std / expected - 1), name).toBeLessThan(5 / Math.sqrt(2 * n));
    }
  }
  dispose(model);
});

it('knows nothing at first: its logits are those of a uniform guess', () => {
  const logits = withGPT({ nEmbd: 32 }, (model) => model.call(prompt()).arraySync());
  for (const value of logits.flat(2)) expect(Math.abs(value)).toBeLessThan(0.5); // N(0, 32 · 0.02²) has σ = 0.11
});

it('drops out only while training, and otherwise by the key', () => {
  withGPT({ dropout: 0.5, initializerRange: 0.3 }, (model) => {
    const run = (ctx: Context) => model.call(prompt(), ctx).dataSync().join();
    const step = (i: number) => Context.training({ rng: new Rng(0).fold(i) });
    expect(run(Context.evaluation())).toBe(run(Context.evaluation()));
    expect(run(step(0))).toBe(run(step(0)));
    expect(new Set([run(Context.evaluation()), run(step(0)), run(step(1))]).size).toBe(3);
    return 0;
  });
});

it('gives each kind of dropout the rate of its own', () => {
  withGPT({ dropout: 0.3, embdPdrop: 0, attnPdrop: 0.1 }, ({ settings, transformer }) => {
    expect([settings.embdPdrop, settings.attnPdrop, settings.residPdrop]).toEqual([0, 0.1, 0.3]);
    expect([transformer.drop.rate, transformer.h[0].attn.attn_dropout.rate]).toEqual([0, 0.1]);
    expect([transformer.h[1].attn.resid_dropout.rate, transformer.h[1].mlp.dropout.rate]).toEqual([0.3, 0.3]);
    return 0;
  });
});

it('lets a tap edit: attention weights that look at the first token only', () => {
  withGPT({ initializerRange: 0.3 }, (model) => {
    const seen: string[] = [];
    const first = (path: string, y: tf.Tensor) => {
      if (!path.endsWith('.attention')) return undefined;
      seen.push(path);
      return tf.mul(tf.onesLike(y), tf.tensor1d([1, 0, 0]));
    };
    const edited = (ids: number[]) =>
      model.call(tf.tensor2d([ids], [1, 3], 'int32'), Context.evaluation({ tap: first })).arraySync()[0][2];
    // The second token can then only be seen from its own position.
    expect(edited([3, 1, 4])).toEqual(edited([3, 9, 4]));
    expect(seen.slice(0, 2)).toEqual(['transformer.h.0.attn.attention', 'transformer.h.1.attn.attention']);
    const plain = model.call(prompt()).arraySync()[0][2];
    expect(edited([3, 1, 4])).not.toEqual(plain);
    return 0;
  });
});

it('gives the same logits whether or not somebody listens', () => {
  withGPT({ initializerRange: 0.3 }, (model) => {
    const plain = model.call(prompt()).dataSync();
    const tapped = model.call(prompt(), Context.evaluation({ tap: () => undefined })).dataSync();
    for (const [i, value] of plain.entries()) expect(tapped[i]).toBeCloseTo(value, 5);
    return 0;
  });
});

it('refuses more tokens than it has positions', () => {
  const tooLong = () => withGPT({}, (model) => model.call(tf.zeros([1, 7], 'int32')));
  expect(tooLong).toThrow(ShapeError);
  expect(tooLong).toThrow('The ids must have shape [B, T] with T ≤ 6, but it is [1,7].');
});

it('keeps nothing in memory when its settings contradict each other', () => {
  const before = tf.memory().numTensors;
  expect(() => new GPT({ ...small, nHead: 3 })).toThrow('the width is 4 and there are 3 heads');
  expect(tf.memory().numTensors).toBe(before);
});
