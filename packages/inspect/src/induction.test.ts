import { ConfigError, type HostTensor, Rng } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { describe, expect, it } from 'vitest';
import {
  activationPatching,
  attentionMaps,
  directLogitAttribution,
  duplicateTokenScore,
  headScores,
  inductionScore,
  layerPaths,
  logitDifference,
  logProbability,
  NotATransformerError,
  patch,
  previousTokenScore,
  tokenLosses,
  zeroHeads,
} from './index.ts';
import { withModel } from './testing/families.ts';
import { inductionModel } from './testing/induction-model.ts';

/** BOS, then two different tokens that the last two repeat in part: what came after 5 is foreseen. */
const CLEAN = [0, 3, 5, 8, 2, 5];
const CORRUPTED = [0, 3, 5, 9, 2, 5];

describeOnBackends('a model whose heads are known', () => {
  it('has a head of each kind where it was made, and nowhere else', () =>
    withModel(inductionModel, async (model) => {
      const scores = await headScores(model, { bosId: 0, period: 6 });
      expect(scores.ids).toHaveLength(25);
      const [sequence, again] = [scores.ids.slice(1, 7), scores.ids.slice(7, 13)];
      expect(again).toEqual(sequence);
      expect(new Set(sequence).size).toBe(6);
      expect(sequence).not.toContain(0);
      for (const [kind, layer, head] of [
        ['previousToken', 0, 0],
        ['duplicateToken', 0, 1],
        ['induction', 1, 0],
      ] as const) {
        for (const [l, heads] of scores[kind].entries()) {
          for (const [h, score] of heads.entries()) {
            if (l === layer && h === head) expect(score, `${kind} of L${l}H${h}`).toBeGreaterThan(0.99);
            else expect(score, `${kind} of L${l}H${h}`).toBeLessThan(0.12);
          }
        }
      }
    }));

  it('foresees what is repeated by its induction head alone', () =>
    withModel(inductionModel, async (model) => {
      const { ids } = await headScores(model, { bosId: 0, period: 6 });
      const losses = await tokenLosses(model, ids);
      for (const { position, loss, next } of losses) {
        if (position < 8) continue;
        expect(next.rank, `position ${position}`).toBe(1);
        expect(loss).toBeLessThan(0.05);
      }
      const target = ids[12];
      const context = ids.slice(0, 12);
      const { contributions, logit } = await directLogitAttribution(model, context, { target });
      const [best] = [...contributions].sort((a, b) => b.value - a.value);
      expect(best.name).toBe('L1H0');
      expect(best.value).toBeGreaterThan(0.8 * logit);
      const without = await patch(model, context, { [layerPaths(model)[1].z]: zeroHeads(0) });
      const last = without.data.subarray(11 * 12);
      expect([...last].filter((other) => other > last[target]).length).toBeGreaterThan(0);
    }));

  for (const batchSize of [1, 16]) {
    it(`carries what the prompts differ in where it was made to, patching ${batchSize} a pass`, () =>
      withModel(inductionModel, async (model) => {
        const run = (site: 'residual' | 'attention' | 'mlp' | 'heads') =>
          activationPatching(model, {
            clean: CLEAN,
            corrupted: CORRUPTED,
            metric: logitDifference(8, 9),
            site,
            batchSize,
          });
        const residual = await run('residual');
        expect(residual.clean).toBeGreaterThan(1);
        expect(residual.corrupted).toBeCloseTo(-residual.clean, 4);
        expect(residual.recovered).toHaveLength(2);
        for (const row of residual.recovered) expectNear(row, [0, 0, 0, 1, 0, 0]);
        const heads = await run('heads');
        expectNear(heads.recovered[0], [0, 0]);
        expectNear(heads.recovered[1], [1, 0]);
        const attention = await run('attention');
        expectNear(attention.recovered[0], [0, 0, 0, 0, 0, 0]);
        expectNear(attention.recovered[1], [0, 0, 0, 0, 0, 1]);
        const mlp = await run('mlp');
        for (const row of mlp.recovered) expectNear(row, [0, 0, 0, 0, 0, 0]);
        expect(mlp.values[0][0]).toBeCloseTo(mlp.corrupted, 5);
      }));
  }

  it('looks where it was made to look', () =>
    withModel(inductionModel, async (model) => {
      const maps = await attentionMaps(model, CLEAN);
      const row = ({ data }: HostTensor, t: number) => [...data.subarray(6 * t, 6 * t + 6)];
      expect(maps.map((heads) => heads.map(({ shape }) => shape))).toEqual(
        Array(2).fill(Array(2).fill([6, 6])),
      );
      expectNear(row(maps[0][0], 4), [0, 0, 0, 1, 0, 0]);
      expectNear(row(maps[0][1], 5), [0, 0, 1, 0, 0, 0]);
      expectNear(row(maps[1][0], 5), [0, 0, 0, 1, 0, 0]);
      expectNear(row(maps[1][1], 5), [1, 0, 0, 0, 0, 0]);
    }));
});

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries())
    expect(Math.abs(value - expected[i]), `${actual}`).toBeLessThan(0.02);
}

describe('scores of an attention map', () => {
  const map = (rows: readonly (readonly number[])[]): HostTensor => {
    return { dtype: 'float32', shape: [rows.length, rows.length], data: Float32Array.from(rows.flat()) };
  };
  const weights = map([
    [1, 0, 0, 0],
    [0.25, 0.75, 0, 0],
    [0.5, 0.25, 0.25, 0],
    [0.125, 0.5, 0.25, 0.125],
  ]);

  it('are means of the weights in their places', () => {
    expect(previousTokenScore(weights)).toBeCloseTo((0.25 + 0.25 + 0.25) / 3, 12);
    expect(duplicateTokenScore(weights, [7, 8, 7, 7])).toBeCloseTo((0.5 + (0.125 + 0.25)) / 2, 12);
    // Position 2 saw 7 at 0, which 8 followed; position 3 saw it at 0 and at 2, but what followed the latter is itself.
    expect(inductionScore(weights, [7, 8, 7, 7])).toBeCloseTo((0.25 + 0.5) / 2, 12);
    expect(duplicateTokenScore(weights, [1, 2, 3, 4])).toBeNaN();
  });
});

describe('what cannot be patched or scored', () => {
  it('says why', () =>
    withModel(inductionModel, async (model) => {
      const metric = logProbability(8);
      const run = (clean: number[], corrupted: number[]) =>
        activationPatching(model, { clean, corrupted, metric });
      await expect(run(CLEAN, [1])).rejects.toThrow('the clean one has 6 tokens and the corrupted one 1');
      await expect(run(CLEAN, CLEAN)).rejects.toThrow('The metric must tell the prompts apart');
      await expect(headScores(model, { period: 14, repeats: 2 })).rejects.toThrow(ConfigError);
      await expect(headScores(model, { repeats: 1 })).rejects.toThrow('but 1 times 25 came');
    }));

  it('needs a Transformer', () =>
    withModel(
      () => new Bigram({ vocabSize: 12, blockSize: 30, rng: new Rng(0) }),
      async (model) => {
        await expect(headScores(model)).rejects.toThrow(NotATransformerError);
        const options = { clean: CLEAN, corrupted: CORRUPTED, metric: logProbability(8) };
        await expect(activationPatching(model, options)).rejects.toThrow(NotATransformerError);
      },
    ));
});
