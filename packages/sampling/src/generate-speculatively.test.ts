import { ConfigError, dispose, type LanguageModel, Rng } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type GeneratedToken, type GenerateOptions, generate } from './generate.ts';
import { generateSpeculatively, type SpeculativeOptions } from './generate-speculatively.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

async function drain(tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const all: GeneratedToken[] = [];
  for await (const token of tokens) all.push(token);
  return all;
}

describeOnBackends('generateSpeculatively', () => {
  const prompt = [3, 1, 4];
  const make = (seed: number) => new ToyTransformer({ rng: new Rng(seed) });

  async function expectPlain(
    model: LanguageModel,
    { draft, draftTokens, ...options }: SpeculativeOptions,
  ): Promise<void> {
    const plain = await drain(generate(model, prompt, { ...options, temperature: 0 } as GenerateOptions));
    const fast = await drain(generateSpeculatively(model, prompt, { ...options, draft, draftTokens }));
    const what = ({ id, finishReason }: GeneratedToken) => ({ id, finishReason });
    expect(fast.map(what)).toEqual(plain.map(what));
    for (const [i, { logProbability }] of fast.entries())
      expect(logProbability).toBeCloseTo(plain[i].logProbability, 4);
  }

  it('gives the plain greedy text with any draft, also past the context', async () => {
    const [model, other] = [make(2), make(5)];
    const bigram = new Bigram({ vocabSize: 11, rng: new Rng(1) });
    const before = memory().numTensors;
    for (const draft of [model, other, bigram])
      for (const draftTokens of [1, 4]) await expectPlain(model, { draft, draftTokens, maxNewTokens: 20 });
    expect(memory().numTensors).toBe(before);
    for (const each of [model, other, bigram]) dispose(each);
  });

  it('keeps constraints and ends where plain greedy ends', async () => {
    const [model, draft] = [make(2), make(2)];
    const [first] = await drain(generate(model, prompt, { temperature: 0, maxNewTokens: 1 }));
    await expectPlain(model, { draft, noRepeatNgramSize: 2, badWords: [[first.id]], maxNewTokens: 10 });
    const plain = await drain(generate(model, prompt, { temperature: 0, maxNewTokens: 10 }));
    await expectPlain(model, { draft, endIds: [plain[2].id], maxNewTokens: 10 });
    await expectPlain(model, { draft, stop: (ids) => ids.length === 8 });
    dispose(model);
    dispose(draft);
  });

  it('asks the model once for several tokens where the draft guesses right', async () => {
    const [model, draft] = [make(2), make(2)];
    await drain(generateSpeculatively(model, prompt, { draft, draftTokens: 3, maxNewTokens: 8 }));
    expect(model.calls).toEqual([
      [1, 6],
      [1, 4],
    ]);
    dispose(model);
    dispose(draft);
  });

  it('refuses a draft with other tokens', () => {
    const draft = { vocabSize: 12 } as LanguageModel;
    const model = { vocabSize: 11 } as LanguageModel;
    expect(() => generateSpeculatively(model, prompt, { draft })).toThrow(ConfigError);
  });
}, ['cpu', 'wasm']);
