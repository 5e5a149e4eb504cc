import { readFileSync } from 'node:fs';
import { dispose, loadStateDict } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { generateText } from '@minigpt/sampling';
import { describeOnBackends } from '@minigpt/testing';
import { loadTokenizer } from '@minigpt/tokenizers';
import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { bytesSource } from '../source/bytes-source.ts';
import { readStateDict } from '../source/memory.ts';
import { hasShared, NEEDS_SHARED, sharedFile } from '../testing/shared.ts';
import { openLlama2c } from './open.ts';

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
      const { config, weights } = await openLlama2c(bytesSource(sharedFile('weights/stories260K.bin')));
      const tokenizer = loadTokenizer(sharedFile('weights/tok512.bin'));
      const model = modelFromConfig(config);
      loadStateDict(model, await readStateDict(weights));
      const before = memory().numTensors;

      const begun = tokenizer.encode('Once upon a time', { addSpecialTokens: true });
      expect(begun).toEqual([config.bos_token_id, ...expected.promptIds]);
      const ids: number[] = [];
      let text = 'Once upon a time';
      for await (const piece of generateText(model, tokenizer, begun, {
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
