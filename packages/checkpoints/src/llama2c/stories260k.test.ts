import { readFileSync } from 'node:fs';
import { dispose } from '@minigpt/core';
import { generateText } from '@minigpt/sampling';
import { describeOnBackends } from '@minigpt/testing';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { loadPretrained } from '../node/load-pretrained.ts';
import { hasShared, NEEDS_SHARED, sharedPath } from '../testing/shared.ts';

interface Llama2cText {
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
}

const fixture = new URL('fixtures/stories260k.json', import.meta.url);

describeOnBackends('stories260K', () => {
  it.skipIf(!hasShared)(
    `writes the 200 tokens that llama2.c writes at temperature 0 ${NEEDS_SHARED}`,
    async () => {
      const expected: Llama2cText = JSON.parse(readFileSync(fixture, 'utf8'));
      const { model, tokenizer } = await loadPretrained(sharedPath('weights/stories260K.bin'));
      const before = memory().numTensors;

      const begun = tokenizer!.encode('Once upon a time', { addSpecialTokens: true });
      expect(begun).toEqual([1, ...expected.promptIds]);
      const ids: number[] = [];
      let text = 'Once upon a time';
      for await (const piece of generateText(model, tokenizer!, begun, {
        temperature: 0,
        maxNewTokens: 200,
      })) {
        ids.push(piece.id);
        text += piece.text;
      }
      expect(ids).toEqual(expected.ids);
      expect(text).toBe(expected.text);
      expect(memory().numTensors).toBe(before);
      dispose(model);
    },
  );
});
