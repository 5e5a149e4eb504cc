import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePattern, createBpeTokenizer } from './bpe.ts';
import { createTokenizer, PatternError, type TokenizerJson, UnknownComponentError } from './index.ts';
import { shared } from './testing/shared.ts';

const tokenizerOf = (Regex: string): TokenizerJson => ({
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    ],
  },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
});

describe('createBpeTokenizer', () => {
  it('asks for compilePattern where no scanner knows the expression', () => {
    const json = tokenizerOf('b|[^b]');
    expect(() => createBpeTokenizer(json)).toThrow(PatternError);
    expect(createBpeTokenizer(json, { compilePattern }).encode('ab')).toEqual([0, 1]);
  });

  it('refuses a model of another kind', () => {
    const json: TokenizerJson = { model: { type: 'WordLevel', vocab: { a: 0 } } };
    expect(() => createBpeTokenizer(json)).toThrow(UnknownComponentError);
  });

  it.skipIf(!shared)(
    'gives the ids that createTokenizer gives (needs reference data: set MINIGPT_SHARED to its folder)',
    () => {
      const json = JSON.parse(readFileSync(`${shared}/tokenizers/starcoder2.tokenizer.json`, 'utf8'));
      const text = 'def f(x):\n    return x ** 2  # ½ 🐍\n';
      const ids = createTokenizer(json).encode(text);
      expect(createBpeTokenizer(json).encode(text)).toEqual(ids);
      expect(createBpeTokenizer(json).encodeWithOffsets(text).ids).toEqual(ids);
      expect(createBpeTokenizer(json).decode(ids)).toBe(text);
    },
  );
});
