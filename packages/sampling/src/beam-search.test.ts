import { ConfigError, dispose, type LanguageModel, loadStateDict, Rng } from '@minigpt/core';
import { Bigram, modelFromConfig } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type BeamSearchOptions, beamSearch, type ScoredText } from './beam-search.ts';
import { bestOf } from './best-of.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { ToyTransformer } from './testing/toy-transformer.ts';

interface Golden {
  readonly cases: readonly {
    readonly model: string;
    readonly prompt: readonly number[];
    readonly num_beams: number;
    readonly max_new_tokens: number;
    readonly length_penalty: number;
    readonly eos_token_id: number | null;
    readonly early_stopping: boolean;
    readonly new_ids: readonly (readonly number[])[];
    readonly scores: readonly number[];
  }[];
}

const reference = referenceData();

/** The log-probability of a continuation, from a pass for each token. */
async function logProbabilityOf(model: LanguageModel, prompt: readonly number[], text: readonly number[]) {
  let sum = 0;
  for (const [i, id] of text.entries()) {
    const ids = [...prompt, ...text.slice(0, i)];
    const tokens = generate(model, ids, { allowedIds: [id], maxNewTokens: 1 });
    for await (const { logProbability } of tokens) sum += logProbability;
  }
  return sum;
}

/** Every text of three tokens, best first. */
async function exhaustive(model: LanguageModel, prompt: readonly number[]): Promise<ScoredText[]> {
  const texts: ScoredText[] = [];
  const v = model.vocabSize;
  for (let n = 0; n < v ** 3; n++) {
    const ids = [Math.floor(n / v ** 2), Math.floor(n / v) % v, n % v];
    const logProbability = await logProbabilityOf(model, prompt, ids);
    texts.push({ ids, logProbability, score: logProbability / 3 });
  }
  return texts.sort((a, b) => b.score - a.score);
}

describeOnBackends(
  'beam search',
  (backend) => {
    it.skipIf(reference === undefined)(
      `gives the texts and scores of transformers ${NEEDS_REFERENCE_DATA}`,
      async () => {
        const { cases } = readReferenceJson<Golden>(`${reference}/golden/sampling/beam_search.json`);
        // All of them on the one, every fifth on the other: they take long.
        const tried = backend === 'wasm' ? cases : cases.filter((_, i) => i % 5 === 0);
        const models = new Map<string, LanguageModel>();
        for (const golden of tried) {
          const folder = `${reference}/golden/models/${golden.model}`;
          const model = models.get(folder) ?? modelFromConfig(readReferenceJson(`${folder}/config.json`));
          if (!models.has(folder)) loadStateDict(model, readReferenceTensors(`${folder}/model.safetensors`));
          models.set(folder, model);
          const options: BeamSearchOptions = {
            numBeams: golden.num_beams,
            maxNewTokens: golden.max_new_tokens,
            lengthPenalty: golden.length_penalty,
            endIds: golden.eos_token_id === null ? [] : [golden.eos_token_id],
            earlyStopping: golden.early_stopping,
          };
          const texts = await beamSearch(model, golden.prompt, options);
          const what = JSON.stringify({ ...golden, new_ids: undefined, scores: undefined });
          expect(
            texts.map(({ ids }) => ids),
            what,
          ).toEqual(golden.new_ids);
          for (const [i, { score }] of texts.entries())
            expect(Math.abs(score - golden.scores[i]), what).toBeLessThan(1e-5);
        }
        for (const model of models.values()) dispose(model);
      },
    );

    it('with enough beams finds the likeliest of all texts', async () => {
      const model = new ToyTransformer({ vocabSize: 4, rng: new Rng(3) });
      const before = memory().numTensors;
      const all = await exhaustive(model, [1, 2]);
      const found = await beamSearch(model, [1, 2], { numBeams: 9, maxNewTokens: 3 });
      expect(found.map(({ ids }) => ids)).toEqual(all.slice(0, 9).map(({ ids }) => ids));
      for (const [i, { logProbability }] of found.entries())
        expect(logProbability).toBeCloseTo(all[i].logProbability, 4);
      expect(memory().numTensors).toBe(before);
      dispose(model);
    });

    it('of one beam is greedy, and reads the prompt once', async () => {
      const model = new ToyTransformer({ rng: new Rng(3) });
      const [{ ids }] = await beamSearch(model, [1, 2, 3], { numBeams: 1, maxNewTokens: 6 });
      const greedy: number[] = [];
      for await (const { id } of generate(model, [1, 2, 3], { temperature: 0, maxNewTokens: 6 }))
        greedy.push(id);
      expect(ids).toEqual(greedy);
      model.calls.length = 0;
      await beamSearch(model, [1, 2, 3], { numBeams: 3, maxNewTokens: 3 });
      expect(model.calls).toEqual([
        [1, 3],
        [3, 1],
        [3, 1],
      ]);
      dispose(model);
    });
  },
  ['cpu', 'wasm'],
);

describeOnBackends('beam search and best of', () => {
  it('keep to what may come next, and stop when told', async () => {
    const model = new ToyTransformer({ rng: new Rng(3) });
    const texts = await beamSearch(model, [1], { allowedIds: [4, 5], noRepeatNgramSize: 2, maxNewTokens: 4 });
    expect(texts.length).toBeGreaterThan(0);
    for (const { ids } of texts) expect(ids.every((id) => id === 4 || id === 5)).toBe(true);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(beamSearch(model, [1], { signal })).rejects.toThrow('enough');
    await expect(beamSearch(model, [1], { numBeams: 0 })).rejects.toThrow(ConfigError);
    await expect(bestOf(model, [1], { count: 0 })).rejects.toThrow(ConfigError);
    dispose(model);
  });

  it('best of gives the texts of its keys, by log-probability per token, and reads the prompt once', async () => {
    const model = new ToyTransformer({ rng: new Rng(3) });
    const before = memory().numTensors;
    const options: GenerateOptions = { maxNewTokens: 5, temperature: 1.2, endIds: [4] };
    const texts = await bestOf(model, [1, 2, 3], { ...options, count: 3, rng: new Rng(8) });
    expect(model.calls.filter(([, count]) => count > 1)).toEqual([[1, 3]]);
    const expected: ScoredText[] = [];
    for (let k = 0; k < 3; k++) {
      const ids: number[] = [];
      const rng = new Rng(8).fold(k);
      for await (const { id } of generate(model, [1, 2, 3], { ...options, rng })) ids.push(id);
      const logProbability = await logProbabilityOf(model, [1, 2, 3], ids);
      expected.push({ ids, logProbability, score: logProbability / ids.length });
    }
    expected.sort((a, b) => b.score - a.score);
    expect(texts.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
    for (const [i, { score }] of texts.entries()) expect(score).toBeCloseTo(expected[i].score, 4);
    expect(memory().numTensors).toBe(before);
    dispose(model);
  });
}, ['cpu']);

describe('beam search without a cache', () => {
  it('reads all anew', async () => {
    const model = new Bigram({ vocabSize: 4, rng: new Rng(3) });
    const texts = await beamSearch(model, [1], { numBeams: 2, maxNewTokens: 2 });
    const [{ ids }] = texts;
    expect(texts).toHaveLength(2);
    expect(await logProbabilityOf(model, [1], ids)).toBeCloseTo(texts[0].logProbability, 5);
    dispose(model);
  });
});
