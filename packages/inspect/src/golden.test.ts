import { dispose, type HostTensor, loadStateDict, type Transformer, withoutWeights } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { attentionMaps, layerPaths, tap, tokenLosses } from './index.ts';

const data = referenceData();
const families = [
  'gpt2',
  'gpt_neox',
  'llama',
  'llama-tied',
  'mistral',
  'mixtral',
  'phi',
  'qwen2',
  'starcoder2',
];

// Above the worst difference measured on cpu, wasm and node, which the comments give.
const HIDDEN = { absolute: 3.5e-6 }; // 2.6e-6
const WEIGHTS = { absolute: 5e-7 }; // 3.9e-7
const LOG_PROBABILITY = { absolute: 4e-6 }; // 2.9e-6

for (const name of families) {
  const folder = `${data}/golden/models/${name}`;

  describeOnBackends(`${name}, looked into, against transformers`, () => {
    it.skipIf(data === undefined)(
      `hidden states, attention maps and log-probabilities ${data ? '' : NEEDS_REFERENCE_DATA}`,
      async () => {
        const before = memory().numTensors;
        const model = withoutWeights(() =>
          modelFromConfig(readReferenceJson(`${folder}/config.json`)),
        ) as Transformer;
        loadStateDict(model, readReferenceTensors(`${folder}/model.safetensors`));
        const golden = readReferenceTensors(`${folder}/golden.safetensors`);
        const { shape, data: ids } = golden.get('input_ids')!;
        const rows = Array.from({ length: shape[0] }, (_, b) =>
          ids.subarray(b * shape[1], (b + 1) * shape[1]),
        );
        const layers = layerPaths(model);

        const places: Readonly<Record<string, string>> = {
          ...Object.fromEntries(layers.map(({ residPre }, i) => [`hidden.${i}`, residPre])),
          [`hidden.${layers.length}`]: layers.at(-1)!.residPost,
          'hidden.norm': model.anatomy.norm,
        };
        expect(Object.keys(places).toSorted()).toEqual(
          [...golden.keys()].filter((key) => key.startsWith('hidden.')).toSorted(),
        );
        const seen = await tap(model, rows, Object.values(places));
        for (const [key, path] of Object.entries(places))
          await expectClose(seen.get(path)!, golden.get(key)!, HIDDEN, key);

        for (const [b, row] of rows.entries()) {
          for (const [layer, heads] of (await attentionMaps(model, row)).entries()) {
            const expected = golden.get(`attn.${layer}`)!; // [B, H, T, T]
            expect(heads.length).toBe(expected.shape[1]);
            for (const [head, map] of heads.entries()) {
              const size = shape[1] ** 2;
              const first = (b * heads.length + head) * size;
              const values = { ...map, data: expected.data.subarray(first, first + size) } as HostTensor;
              await expectClose(map, values, WEIGHTS, `attention of L${layer}H${head}, row ${b}`);
            }
          }
        }

        const { token_logprobs_row0 } = readReferenceJson<{ token_logprobs_row0: number[] }>(
          `${folder}/golden.json`,
        );
        const losses = await tokenLosses(model, rows[0]);
        const found = losses.map(({ next }) => next.logProbability);
        await expectClose(vector(found), vector(token_logprobs_row0), LOG_PROBABILITY, 'log-probabilities');
        dispose(model);
        expect(memory().numTensors).toBe(before);
      },
    );
  });
}

const vector = (values: readonly number[]): HostTensor => {
  return { dtype: 'float32', shape: [values.length], data: Float32Array.from(values) };
};
