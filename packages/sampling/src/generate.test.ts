import { ConfigError, dispose, type LanguageModel, Rng, TokenRangeError } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import { memory } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logSumExp } from './distribution.ts';
import { LogitsError, PromptError } from './errors.ts';
import { type GeneratedToken, type GenerateOptions, generate, generateBatch } from './generate.ts';
import { SlidingKVCache } from './kv-cache/sliding.ts';
import { Session } from './session.ts';
import { ToyModel } from './testing/toy-model.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

const nextTokenLogits = async (model: LanguageModel, ids: readonly number[]) =>
  (await new Session(model).nextLogits([ids]))[0];

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
});

describeOnBackends('generate over a cache', () => {
  const texts = { temperature: 0.9, topK: 8, rng: new Rng(5) };
  let model: ToyTransformer;
  beforeEach(() => {
    model = new ToyTransformer({ rng: new Rng(2) });
  });
  afterEach(() => dispose(model));

  async function idsOf(prompt: readonly number[], options: GenerateOptions = {}): Promise<number[]> {
    const ids: number[] = [];
    for await (const { id } of generate(model, prompt, { ...texts, ...options })) ids.push(id);
    return ids;
  }

  /** The same ids, each from a pass over all in sight. */
  async function uncachedIdsOf(prompt: readonly number[], count: number): Promise<number[]> {
    const sequence = [...prompt];
    while (sequence.length < prompt.length + count) {
      const session = new Session(model);
      for await (const { id } of generate(model, sequence, { ...texts, maxNewTokens: 1, session }))
        sequence.push(id);
      session.dispose();
    }
    return sequence.slice(prompt.length);
  }

  it('reads the prompt in one pass and then one token a pass', async () => {
    await idsOf([1, 2, 3, 4], { maxNewTokens: 4 });
    expect(model.calls).toEqual([
      [1, 4],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it('gives what passes over the whole text give, beyond the context too', async () => {
    expect(await idsOf([1, 2, 3], { maxNewTokens: 20 })).toEqual(await uncachedIdsOf([1, 2, 3], 20));
    model.calls.length = 0;
    await idsOf([1, 2, 3], { maxNewTokens: 16 });
    expect(model.calls.slice(-4)).toEqual([
      [1, 1],
      [1, 1],
      [1, 16],
      [1, 16],
    ]);
  });

  it('reads nothing again in a session, but what no longer agrees', async () => {
    const session = new Session(model);
    const options = { maxNewTokens: 3, session };
    const answer = await idsOf([1, 2, 3, 4], options);
    model.calls.length = 0;
    const next = [1, 2, 3, 4, ...answer, 7, 8];
    expect(await idsOf(next, options)).toEqual(await uncachedIdsOf(next, 3));
    expect(model.calls[0]).toEqual([1, 3]); // the last token of the answer, and two new ones
    model.calls.length = 0;
    const other = [1, 2, 9, 9];
    expect(await idsOf(other, options)).toEqual(await uncachedIdsOf(other, 3));
    expect(model.calls[0]).toEqual([1, 2]);
    session.dispose();
  });

  it('goes on past the context with a cache that slides, one token a pass', async () => {
    const rotary = new ToyTransformer({ positions: 'rotary', rng: new Rng(2) });
    const windowed = new ToyTransformer({
      positions: 'rotary',
      windows: [8, 8],
      blockSize: 64,
      rng: new Rng(2),
    });
    const drain = async (of: ToyTransformer, session: Session) => {
      const ids: number[] = [];
      for await (const { id } of generate(of, [1, 2, 3], { ...texts, maxNewTokens: 40, session }))
        ids.push(id);
      session.dispose();
      return ids;
    };
    const sliding = new Session(rotary, { cache: new SlidingKVCache({ window: 8 }) });
    expect(await drain(rotary, sliding)).toEqual(await drain(windowed, new Session(windowed)));
    expect(rotary.calls.at(-1)).toEqual([1, 1]);
    dispose(rotary);
    dispose(windowed);
  });

  it('holds as many tensors and bytes at the last token as at the second, and none at the end', async () => {
    const before = memory().numTensors;
    const seen = new Set<string>();
    let count = 0;
    for await (const _ of generate(model, [1, 2], { maxNewTokens: 12 })) {
      const { numTensors, numBytes } = memory();
      if (count++ > 0) seen.add(`${numTensors} ${numBytes}`);
    }
    expect(seen.size).toBe(1);
    expect(memory().numTensors).toBe(before);
  });

  it('gives unequal rows of a batch the logits that they have alone, token by token', async () => {
    const rows = [[1, 2, 3, 4, 5], [6, 7], [8]];
    const session = new Session(model);
    for (let step = 0; step < 14; step++) {
      const together = await session.nextLogits(rows);
      for (const [i, row] of rows.entries()) {
        const alone = await nextTokenLogits(model, row);
        const worst = Math.max(...alone.map((logit, id) => Math.abs(logit - together[i][id])));
        expect(worst, `row ${i}, step ${step}`).toBeLessThan(1e-5);
        row.push((3 * row.length + i) % 11);
      }
    }
    session.dispose();
  });

  it('forks: two texts with one prompt', async () => {
    const session = new Session(model);
    await session.nextLogits([[1, 2, 3, 4]]);
    const fork = session.fork();
    model.calls.length = 0;
    const [a, b] = [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 6],
    ];
    const [x, y] = [(await session.nextLogits([a]))[0], (await fork.nextLogits([b]))[0]];
    expect(model.calls).toEqual([
      [1, 1],
      [1, 1],
    ]);
    for (const [row, logits] of [
      [a, x],
      [b, y],
    ] as const) {
      const alone = await nextTokenLogits(model, row);
      expect(Math.max(...alone.map((logit, id) => Math.abs(logit - logits[id])))).toBeLessThan(1e-5);
    }
    session.dispose();
    fork.dispose();
  });
}, ['cpu', 'wasm']);

describeOnBackends('what generate may be asked for', () => {
  let model: ToyModel;
  beforeEach(() => {
    model = new ToyModel();
  });
  afterEach(() => dispose(model));

  async function idsOf(options: GenerateOptions): Promise<number[]> {
    const ids: number[] = [];
    for await (const { id } of generate(model, [3, 1], { maxNewTokens: 12, rng: new Rng(9), ...options }))
      ids.push(id);
    return ids;
  }

  it('the likeliest tokens at each place', async () => {
    const logits = await nextTokenLogits(model, [3, 1]);
    const { value } = await generate(model, [3, 1], { topLogProbabilities: 3, temperature: 0 }).next();
    const { alternatives, id, logProbability } = value as GeneratedToken;
    expect(alternatives[0]).toEqual({ id, logProbability });
    const sorted = [...logits].sort((a, b) => b - a).slice(0, 3);
    expect(alternatives.map(({ id }) => logits[id])).toEqual(sorted);
    expect(alternatives.map(({ logProbability }) => logProbability)).toEqual(
      sorted.map((x) => x - logSumExp(logits)),
    );
  });

  it('allowed ids, no bad words, no token twice, a bias', async () => {
    expect(new Set(await idsOf({ allowedIds: [4, 5] }))).toEqual(new Set([4, 5]));
    const plain = await idsOf({});
    expect(await idsOf({ badWords: [[plain[0]]] })).not.toContain(plain[0]);
    const once = [3, 1, ...(await idsOf({ noRepeatNgramSize: 1 }))];
    expect(new Set(once).size).toBe(once.length);
    expect(await idsOf({ logitBias: [{ ids: [7], bias: 100 }] })).toEqual(new Array(12).fill(7));
    expect(new Set(await idsOf({ temperature: 0, frequencyPenalty: 50 })).size).toBe(12);
  });

  it('no end before the least length', async () => {
    const bias = [{ ids: [0], bias: 50 }];
    expect(await idsOf({ endIds: [0], logitBias: bias })).toEqual([0]);
    const ids = await idsOf({ endIds: [0], logitBias: bias, minLength: 6 });
    expect(ids.indexOf(0)).toBe(4);
    expect(ids).toHaveLength(5);
  });

  it('a processor of one’s own, which knows the text', async () => {
    const follow = (logits: Float32Array, ids: readonly number[]) =>
      logits.map((_, id) => (id === (ids.at(-1)! + 1) % 20 ? 0 : Number.NEGATIVE_INFINITY));
    expect(await idsOf({ processors: [follow], maxNewTokens: 4 })).toEqual([2, 3, 4, 5]);
  });
}, ['cpu']);

describeOnBackends('generateBatch', () => {
  const prompts = [[1, 2, 3, 4, 5, 6], [7], [8, 9, 10]];
  const options: GenerateOptions = { maxNewTokens: 14, temperature: 0.9, endIds: [4, 2], rng: new Rng(11) };

  it('gives each prompt the text that it has alone, in one pass a step, whatever rows have ended', async () => {
    const model = new ToyTransformer({ rng: new Rng(2) });
    const before = memory().numTensors;
    const texts: number[][] = prompts.map(() => []);
    const reasons: unknown[] = prompts.map(() => undefined);
    for await (const { row, id, finishReason } of generateBatch(model, prompts, options)) {
      expect(reasons[row]).toBeUndefined();
      texts[row].push(id);
      reasons[row] = finishReason;
    }
    expect(memory().numTensors).toBe(before);
    const steps = Math.max(...texts.map((text) => text.length));
    expect(model.calls).toHaveLength(steps);
    expect(model.calls[0]).toEqual([3, 6]);
    expect(new Set(texts.map((text) => text.length)).size).toBeGreaterThan(1);
    for (const [row, prompt] of prompts.entries()) {
      const alone: number[] = [];
      let reason: unknown;
      for await (const token of generate(model, prompt, { ...options, rng: new Rng(11).fold(row) })) {
        alone.push(token.id);
        reason = token.finishReason;
      }
      expect(texts[row], `row ${row}`).toEqual(alone);
      expect(reasons[row]).toBe(reason);
    }
    dispose(model);
  });

  it('continues rows of a model without a cache', async () => {
    const model = new ToyModel();
    const texts: number[][] = [[], []];
    const all = generateBatch(model, [[3, 1], [5]], { maxNewTokens: 3, rng: new Rng(4) });
    for await (const { row, id } of all) texts[row].push(id);
    for (const [row, prompt] of [[3, 1], [5]].entries()) {
      const alone: number[] = [];
      for await (const { id } of generate(model, prompt, { maxNewTokens: 3, rng: new Rng(4).fold(row) }))
        alone.push(id);
      expect(texts[row]).toEqual(alone);
    }
    expect(() => generateBatch(model, [])).toThrow(ConfigError);
    dispose(model);
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
    { minP: 1 },
    { minLength: 0 },
    { topLogProbabilities: -1 },
    { session: new Session({ blockSize: 1 } as ToyModel) },
  ])('%j', (options) => {
    const [setting] = Object.keys(options).slice(-1);
    expect(() => generate(model, [1], options)).toThrow(ConfigError);
    expect(() => generate(model, [1], options)).toThrow(setting);
  });
});
