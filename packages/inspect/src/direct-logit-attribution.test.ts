import { Context, type HostTensor, Rng } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { zerosLike } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import {
  directLogitAttribution,
  editing,
  layerPaths,
  NotATransformerError,
  tap,
  zeroHeads,
} from './index.ts';
import { families, IDS, makeFamily, withModel } from './testing/families.ts';

// Above the worst difference measured on cpu, wasm and node, of logits up to 5.3.
const TOLERANCE = 1e-6; // 7.1e-7

describeOnBackends('direct logit attribution', (backend) => {
  for (const name of families) {
    it(`${name}: adds up to the logit, and to a difference of two`, () =>
      withModel(
        () => makeFamily(name),
        async (model) => {
          const { unembedding, positions } = model.anatomy;
          const uncapped = (await tap(model, IDS, unembedding)).get(unembedding)!; // [1, T, V]
          for (const position of [2, IDS.length - 1]) {
            for (const against of [undefined, 8]) {
              const of = await directLogitAttribution(model, IDS, { target: 6, against, position });
              const logit = (id: number) => uncapped.data[position * 11 + id];
              expect(of.logit).toBeCloseTo(logit(6) - (against === undefined ? 0 : logit(against)), 5);
              const sum = of.contributions.reduce((sum, { value }) => sum + value, of.bias);
              expect(Math.abs(sum - of.logit)).toBeLessThanOrEqual(TOLERANCE);
            }
          }
          const { contributions } = await directLogitAttribution(model, IDS, { target: 6 });
          const names = contributions
            .filter(({ component }) => component !== 'attention bias')
            .map(({ name }) => name);
          expect(names).toEqual([
            'embedding',
            ...(positions === undefined ? [] : ['positions']),
            ...[0, 1].flatMap((layer) => [`L${layer}H0`, `L${layer}H1`, `L${layer}H2`, `L${layer} MLP`]),
          ]);
        },
      ));

    it(`${name}: is what the logit loses without a component, all else held fast`, () =>
      withModel(
        () => makeFamily(name),
        async (model) => {
          const { anatomy } = model;
          const layers = layerPaths(model);
          const norms = anatomy.blocks.flatMap(({ path, attentionNorm, mlpNorm }) =>
            [attentionNorm, mlpNorm]
              .filter((norm) => norm !== undefined)
              .map((norm) => `${path}.${norm}.rstd`),
          );
          const scales = [`${anatomy.norm}.rstd`, ...norms];
          const outputs = layers.flatMap(({ attnOut, mlpOut }) => [attnOut, mlpOut]);
          const seen = await tap(model, IDS, [...scales, ...outputs]);
          const { contributions, logit } = await directLogitAttribution(model, IDS, { target: 6 });
          const valueFrom = (wanted: string) => contributions.find(({ name }) => name === wanted)!.value;

          /** The uncapped logit with an edit, and with everything fixed but what one path adds to the residual stream. */
          const without = async (freed: string, edits: Parameters<typeof editing>[1]) => {
            const fixed = [...seen].filter(([path]) => path !== freed);
            const ctx = editing(Context.evaluation(), { ...edits, ...Object.fromEntries(fixed) });
            const logits = (await tap(model, IDS, anatomy.unembedding, ctx)).get(
              anatomy.unembedding,
            ) as HostTensor;
            return logits.data[(IDS.length - 1) * 11 + 6];
          };
          for (const [layer, { z, attnOut, mlpOut }] of layers.entries()) {
            const head = await without(attnOut, { [z]: zeroHeads(1) });
            expect(Math.abs(logit - head - valueFrom(`L${layer}H1`))).toBeLessThanOrEqual(TOLERANCE);
            const mlp = await without(mlpOut, { [mlpOut]: zerosLike });
            expect(Math.abs(logit - mlp - valueFrom(`L${layer} MLP`))).toBeLessThanOrEqual(TOLERANCE);
          }
        },
      ));
  }

  it('refuses what is not there', () =>
    withModel(
      () => makeFamily('llama'),
      async (model) => {
        const ask = (options: Parameters<typeof directLogitAttribution>[2]) =>
          directLogitAttribution(model, IDS, options);
        await expect(ask({ target: 11 })).rejects.toThrow('A token must lie in 0…10, but 11 came.');
        await expect(ask({ target: 1, against: -1 })).rejects.toThrow(
          'A token must lie in 0…10, but -1 came.',
        );
        await expect(ask({ target: 1, position: 7 })).rejects.toThrow(
          'A position must lie in 0…6, but 7 came.',
        );
      },
    ));

  if (backend === 'cpu') {
    it('needs a Transformer', () =>
      withModel(
        () => new Bigram({ vocabSize: 11, rng: new Rng(0) }),
        async (model) => {
          await expect(directLogitAttribution(model, IDS, { target: 1 })).rejects.toThrow(
            NotATransformerError,
          );
        },
      ));
  }
});
