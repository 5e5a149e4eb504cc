import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TokenizerFormatError } from '../errors.ts';
import { CheckedTokenizer } from '../testing/checked-tokenizer.ts';
import { fuzzReader } from '../testing/fuzz.ts';
import { shared } from '../testing/shared.ts';
import { readLlama2cTokenizer } from './llama2c.ts';
import { writeLlama2cTokenizer } from './write-llama2c.ts';

function tokenizerFile(tokens: readonly (readonly [string, number])[]): Uint8Array {
  const parts = tokens.map(([token, score]) => {
    const bytes = Buffer.from(token);
    const header = Buffer.alloc(8);
    header.writeFloatLE(score, 0);
    header.writeInt32LE(bytes.length, 4);
    return Buffer.concat([header, bytes]);
  });
  return Buffer.concat([Buffer.from([20, 0, 0, 0]), ...parts]);
}

const SMALL = tokenizerFile([
  ['<unk>', 0],
  ['\n<s>\n', 0],
  ['\n</s>\n', 0],
  ['<0x21>', 0],
  [' a', -1],
  [' ', -2],
  ['a', -3],
]);

describe('readLlama2cTokenizer', () => {
  it('joins by score and falls back to bytes', async () => {
    const checked = new CheckedTokenizer(readLlama2cTokenizer(SMALL));
    expect(await checked.encode('aa!', true)).toEqual([1, 4, 6, 3]);
    expect(await checked.decode([4, 6, 3])).toBe('aa!');
  });

  it('refuses what is cut short or too long', () => {
    for (const length of [0, 3, 10, SMALL.length - 1]) {
      expect(() => readLlama2cTokenizer(SMALL.subarray(0, length))).toThrow(TokenizerFormatError);
    }
    expect(() => readLlama2cTokenizer(new Uint8Array(64).fill(0xff))).toThrow('longest token');
  });

  it('answers damaged files with a typed error', () => fuzzReader(SMALL, readLlama2cTokenizer));
});

describe.skipIf(!shared)(
  'readLlama2cTokenizer on tok512.bin (needs reference data: set MINIGPT_SHARED to its folder)',
  () => {
    it('reads a story', async () => {
      const json = readLlama2cTokenizer(readFileSync(`${shared}/weights/tok512.bin`));
      const checked = new CheckedTokenizer(json);
      const text = 'Once upon a time, there was a little girl named Lily.';
      const ids = await checked.encode(text, true);
      expect(ids).toEqual([1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426]);
      expect(await checked.decode(ids, true)).toBe(text);
    });

    it('is written back: the same tokens, which join in the same order', () => {
      const file = new Uint8Array(readFileSync(`${shared}/weights/tok512.bin`));
      const json = readLlama2cTokenizer(file);
      const written = writeLlama2cTokenizer(json);
      expect(written.length).toBe(file.length);
      expect(readLlama2cTokenizer(written)).toEqual(json);
    });
  },
);

describe('writeLlama2cTokenizer', () => {
  it('refuses what run.c cannot read', () => {
    expect(() => writeLlama2cTokenizer(readLlama2cTokenizer(SMALL))).toThrow(/token 3 is not <0x00>/);
    expect(() => writeLlama2cTokenizer({ model: { type: 'WordLevel', vocab: { a: 0 } } })).toThrow(
      /holds BPE/,
    );
  });
});
