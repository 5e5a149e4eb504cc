import { ConfigError, dispose, Rng, TokenRangeError } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import { memory } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logSumExp } from './distribution.ts';
import { LogitsError, PromptError } from './errors.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { nextTokenLogits } from './next-token-logits.ts';
import { ToyModel } from './testing/toy-model.ts';

describeOnBackends('generate', () => {
  let model: ToyModel;
  beforeEach(() => {
    model = new ToyModel();
  });
  afterEach(() => dispose(model));

  async function idsOf(prompt: readonly number[], options: GenerateOptions): Promise<number[]> {
    const ids: number[] = [];
    for await (const { id } of generate(model, prompt, options)) ids.push(id);
    return ids;
  }

  it('draws the same ids for a seed, on every backend', async () => {
    const ids = await idsOf([3, 1], { maxNewTokens: 24, rng: new Rng(1337) });
    expect(ids).toEqual([17, 13, 7, 15, 14, 9, 9, 9, 2, 6, 15, 14, 19, 4, 13, 7, 3, 9, 19, 7, 12, 3, 14, 16]);
  });

  it('draws other ids for another seed', async () => {
    const [a, b] = [new Rng(1), new Rng(2)];
    expect(await idsOf([3], { maxNewTokens: 24, rng: a })).not.toEqual(
      await idsOf([3], { maxNewTokens: 24, rng: b }),
    );
  });

  it('gives the same text in one go and continued', async () => {
    const options = { temperature: 0.8, topK: 9, topP: 0.95, rng: new Rng(7) };
    const whole = await idsOf([5], { ...options, maxNewTokens: 20 });
    const head = await idsOf([5], { ...options, maxNewTokens: 8 });
    const tail = await idsOf([5, ...head], { ...options, maxNewTokens: 12 });
    expect([...head, ...tail]).toEqual(whole);
  });

  it('takes the likeliest token at temperature 0, which top-k of 1 gives too', async () => {
    const greedy = await idsOf([4], { maxNewTokens: 12, temperature: 0, rng: new Rng(1) });
    expect(await idsOf([4], { maxNewTokens: 12, topK: 1, rng: new Rng(2) })).toEqual(greedy);
    const logits = await nextTokenLogits(model, [4]);
    expect(greedy[0]).toBe(logits.indexOf(Math.max(...logits)));
  });

  it('crops to the context, and reads the last row', async () => {
    await idsOf([1, 2, 3, 4, 5, 6], { maxNewTokens: 5 });
    expect(model.calls).toEqual([6, 7, 8, 8, 8]);
    const long = Array.from({ length: 30 }, (_, i) => i % 20);
    expect(await nextTokenLogits(model, long)).toEqual(await nextTokenLogits(model, long.slice(-8)));
  });

  it('reports the model’s own log-probability, whatever the sampling', async () => {
    const sequence = [2];
    const options = { temperature: 0.3, topK: 3, maxNewTokens: 6 };
    for await (const { id, logProbability } of generate(model, sequence.slice(), options)) {
      const logits = await nextTokenLogits(model, sequence);
      expect(logProbability).toBe(logits[id] - logSumExp(logits));
      expect(logProbability).toBeLessThan(0);
      sequence.push(id);
    }
    expect(sequence).toHaveLength(7);
  });

  it('works with a model that answers for the last positions only, and says when the prompt is too short', async () => {
    const windowed = new ToyModel({ window: 3 });
    expect(await nextTokenLogits(windowed, [1, 2, 3])).toEqual(await nextTokenLogits(model, [1, 2, 3]));
    const before = memory().numTensors;
    await expect(generate(windowed, [1, 2]).next()).rejects.toThrow(PromptError);
    await expect(generate(windowed, [1, 2]).next()).rejects.toThrow('cannot answer after 2 tokens');
    expect(memory().numTensors).toBe(before);
    dispose(windowed);
  });

  it('leaves no tensor behind, to the end, broken off or failed', async () => {
    const before = memory().numTensors;
    for await (const _ of generate(model, [1], { maxNewTokens: 50 }))
      expect(memory().numTensors).toBe(before);
    for await (const _ of generate(model, [1])) break;
    expect(memory().numTensors).toBe(before);
    const broken = new ToyModel({ table: new Float32Array(400).fill(Number.NaN) });
    await expect(generate(broken, [1]).next()).rejects.toThrow(LogitsError);
    dispose(broken);
    expect(memory().numTensors).toBe(before);
  });
}, ['cpu', 'wasm']);

describeOnBackends('what ends generate', () => {
  const model = () => new ToyModel();

  async function drain(options: GenerateOptions): Promise<number[]> {
    const ids: number[] = [];
    for await (const { id } of generate(model(), [3, 1], { rng: new Rng(1337), ...options })) ids.push(id);
    return ids;
  }

  it('the number of tokens', async () => {
    expect(await drain({ maxNewTokens: 0 })).toEqual([]);
    expect(await drain({ maxNewTokens: 3 })).toHaveLength(3);
  });

  it('an end id, which is yielded', async () => {
    const all = await drain({ maxNewTokens: 20 });
    const end = all[6];
    expect(await drain({ maxNewTokens: 20, endIds: [99, end] })).toEqual(all.slice(0, all.indexOf(end) + 1));
  });

  it('a predicate over prompt and continuation', async () => {
    const seen: number[][] = [];
    const stop = (ids: readonly number[]) => seen.push([...ids]) === 4;
    const all = await drain({ maxNewTokens: 20, stop });
    expect(all).toHaveLength(4);
    expect(seen.at(-1)).toEqual([3, 1, ...all]);
  });

  it('an abort signal, also one given by a timer while the thread is busy', async () => {
    await expect(drain({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const drained = drain({ maxNewTokens: 1e6, signal: controller.signal });
    await expect(drained).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
}, ['cpu']);

describe('generate refuses at once', () => {
  const model = { vocabSize: 20, blockSize: 8 } as ToyModel;

  it('an empty prompt', () => {
    expect(() => generate(model, [])).toThrow(PromptError);
  });

  it.each([-1, 20, 0.5, Number.NaN])('the id %d', (id) => {
    expect(() => generate(model, [0, id])).toThrow(TokenRangeError);
  });

  it.each<GenerateOptions>([
    { maxNewTokens: -1 },
    { maxNewTokens: 1.5 },
    { temperature: -1 },
    { temperature: Number.NaN },
    { temperature: Number.POSITIVE_INFINITY },
    { topK: 0 },
    { topK: 2.5 },
    { topP: 0 },
    { topP: 1.01 },
    { temperature: 0, topK: 0 },
  ])('%j', (options) => {
    const [setting] = Object.keys(options).slice(-1);
    expect(() => generate(model, [1], options)).toThrow(ConfigError);
    expect(() => generate(model, [1], options)).toThrow(setting);
  });
});
