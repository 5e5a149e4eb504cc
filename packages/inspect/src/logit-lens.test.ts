import { type HostTensor, Rng, stateDict, type Transformer } from '@minigpt/core';
import { Bigram } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { expect, it } from 'vitest';
import { layerPaths, logitLens, NotATransformerError, tap, tokenLosses } from './index.ts';
import { families, IDS, makeFamily, withModel } from './testing/families.ts';
import { logSoftmax, type ReferenceHead, referenceLens } from './testing/reference-lens.ts';

// Above the worst difference of a log-probability measured on cpu, wasm and node.
const TOLERANCE = 1.5e-6; // 1.1e-6

/** The final norm and output layer of each family, read out of its parameters by hand. */
async function headOf(name: string, model: Transformer): Promise<ReferenceHead> {
  const state = await stateDict(model);
  const at = (path: string) => state.get(path)?.data;
  const [family] = name.split(/[ ,]/);
  const layerNorm = (
    path: string,
    rest: Omit<ReferenceHead, 'norm' | 'eps' | 'scale' | 'shift'>,
  ): ReferenceHead => ({
    norm: 'layer',
    eps: 1e-5,
    scale: at(`${path}.weight`)!,
    shift: at(`${path}.bias`),
    ...rest,
  });
  const embedding = state.get('model.embed_tokens.weight')!;
  const head = state.get('lm_head.weight')!;
  const gemma = {
    norm: 'rms' as const,
    eps: 1e-6,
    scale: at('model.norm.weight')?.map((w) => 1 + w) ?? [],
    output: embedding,
  };
  const rms = (eps: number, output: HostTensor = head) => ({
    norm: 'rms' as const,
    eps,
    scale: at('model.norm.weight') ?? [],
    output,
  });
  const heads: Readonly<Record<string, () => ReferenceHead>> = {
    gpt2: () => layerNorm('transformer.ln_f', { output: state.get('transformer.wte.weight')! }),
    gpt: () => layerNorm('transformer.ln_f', { output: head }),
    gpt_neox: () => layerNorm('gpt_neox.final_layer_norm', { output: state.get('embed_out.weight')! }),
    phi: () => layerNorm('model.final_layernorm', { output: head, outputBias: at('lm_head.bias')! }),
    starcoder2: () => layerNorm('model.norm', { output: embedding }),
    qwen2: () => rms(1e-6, embedding),
    gemma: () => gemma,
    gemma2: () => ({ ...gemma, softcap: 3 }),
    phi3: () => rms(1e-5),
    olmo2: () => rms(1e-5),
    mixtral: () => rms(1e-5),
  };
  return (heads[family] ?? (() => rms(1e-6)))();
}

describeOnBackends('the logit lens', () => {
  for (const name of families) {
    it(`${name}: is the final norm and output layer at each place, and ends with what the model says`, () =>
      withModel(
        () => makeFamily(name),
        async (model) => {
          const lens = await logitLens(model, IDS, { topK: 11 });
          const layers = layerPaths(model);
          expect(lens.map(({ path }) => path)).toEqual([
            layers[0].residPre,
            ...layers.map(({ residPost }) => residPost),
          ]);
          const streams = await tap(
            model,
            IDS,
            lens.map(({ path }) => path),
          );
          const head = await headOf(name, model);
          let worst = 0;
          for (const { path, predictions } of lens) {
            const { data, shape } = streams.get(path)!;
            const width = shape.at(-1)!;
            for (const [t, { top }] of predictions.entries()) {
              const expected = logSoftmax(referenceLens(data.subarray(t * width, (t + 1) * width), head));
              for (const { id, logProbability } of top)
                worst = Math.max(worst, Math.abs(logProbability - expected[id]));
            }
          }
          expect(worst).toBeLessThanOrEqual(TOLERANCE);
          const losses = await tokenLosses(model, IDS);
          const last = lens.at(-1)!.predictions.slice(0, -1);
          expect(last.map(({ next }) => next!.id)).toEqual(IDS.slice(1));
          for (const [i, { next }] of last.entries())
            expect(next!.logProbability).toBeCloseTo(-losses[i].loss, 5);
          expect(lens.at(-1)!.predictions.at(-1)!.next).toBeUndefined();
        },
      ));
  }

  it('needs a Transformer', () =>
    withModel(
      () => new Bigram({ vocabSize: 11, rng: new Rng(0) }),
      async (model) => {
        await expect(logitLens(model, IDS)).rejects.toThrow(NotATransformerError);
        await expect(logitLens(model, IDS)).rejects.toThrow(
          'logitLens needs a Transformer, but Bigram has no attention',
        );
      },
    ));
});
