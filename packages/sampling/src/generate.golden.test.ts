import { dispose, loadStateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import { expect, it } from 'vitest';
import { generate, generateBatch } from './generate.ts';

interface Golden {
  readonly greedy: { readonly prompt: readonly number[]; readonly new_ids: readonly number[] };
  readonly left_pad: {
    readonly input_ids: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
    readonly new_ids: readonly (readonly number[])[];
  };
}

const reference = referenceData();
const families = 'gpt2 gpt_neox llama llama-tied mistral mixtral phi qwen2 starcoder2'.split(' ');

describeOnBackends('generate', () => {
  it.skipIf(reference === undefined).each(families)(
    `gives transformers’ greedy continuations, alone and in a padded batch: %s ${NEEDS_REFERENCE_DATA}`,
    async (family) => {
      const folder = `${reference}/golden/models/${family}`;
      const model = modelFromConfig(readReferenceJson(`${folder}/config.json`));
      loadStateDict(model, readReferenceTensors(`${folder}/model.safetensors`));
      const { greedy, left_pad: padded } = readReferenceJson<Golden>(`${folder}/golden.json`);

      const ids: number[] = [];
      const options = { temperature: 0, maxNewTokens: greedy.new_ids.length };
      for await (const { id } of generate(model, greedy.prompt, options)) ids.push(id);
      expect(ids).toEqual(greedy.new_ids);

      const prompts = padded.input_ids.map((row, i) =>
        row.filter((_, t) => padded.attention_mask[i][t] === 1),
      );
      const texts: number[][] = prompts.map(() => []);
      const batch = generateBatch(model, prompts, { temperature: 0, maxNewTokens: padded.new_ids[0].length });
      for await (const { row, id } of batch) texts[row].push(id);
      expect(texts).toEqual(padded.new_ids);
      dispose(model);
    },
  );
});
