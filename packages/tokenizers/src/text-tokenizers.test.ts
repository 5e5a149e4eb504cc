import { describe, expect, it } from 'vitest';
import { characterTokenizer, createTokenizer, UnknownTokenError, wordTokenizer } from './index.ts';
import { hasNative, NativeTokenizer } from './testing/native.ts';

describe('characterTokenizer', () => {
  const tokenizer = characterTokenizer.train('Call me Ishmael.\n🐳');

  it('numbers characters by code point, and gives text back', () => {
    expect(tokenizer.vocabSize).toBe(12);
    expect(tokenizer.encode('me\n')).toEqual([9, 6, 0]);
    expect(tokenizer.decode(tokenizer.encode('Ishmael 🐳'))).toBe('Ishmael 🐳');
    expect(tokenizer.encodeWithOffsets('🐳m').offsets).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(tokenizer.encodeWithOffsets('🐳m').byteOffsets).toEqual([
      [0, 4],
      [4, 5],
    ]);
  });

  it('names a character that it lacks, and where it is', () => {
    const encode = () => tokenizer.encode('me, Ishmael');
    expect(encode).toThrow(UnknownTokenError);
    expect(encode).toThrow('no token for "," (U+002C) at position 2');
  });

  it('is the same after saving and loading', () => {
    const loaded = createTokenizer(JSON.parse(JSON.stringify(tokenizer)));
    expect(loaded.encode('Call me')).toEqual(tokenizer.encode('Call me'));
    expect(loaded.vocabulary()).toEqual(tokenizer.vocabulary());
  });
});

describe('wordTokenizer', () => {
  const text = "the whale, the sea; 'the' ship\n\nsank";
  const tokenizer = wordTokenizer.train(text);

  it('gives known text back, and has <UNK> for the rest', () => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.decode(tokenizer.encode('the kraken, the sea'))).toBe('the<UNK>, the sea');
    expect(tokenizer.tokenToId('<UNK>')).toBe(0);
  });

  it('keeps the most frequent words of a limited vocabulary', () => {
    const small = wordTokenizer.train('a b b c c c', { vocabSize: 3 });
    expect([...small.vocabulary().keys()]).toEqual(['<UNK>', ' c', ' b']);
    expect(wordTokenizer.train('a b b c c c', { minFrequency: 3 }).vocabSize).toBe(2);
  });
});

describe.skipIf(!hasNative)("Hugging Face's tokenizers (needs its native binding)", () => {
  it.each([
    ['characters', characterTokenizer.train('Call me Ishmael.\n🐳')],
    ['words', wordTokenizer.train('Call me Ishmael.\n🐳 said')],
  ])('loads %s with the same ids', async (_, tokenizer) => {
    const theirs = new NativeTokenizer(tokenizer.toJSON());
    const text = 'Call me\n';
    expect(await theirs.encode(text)).toEqual(tokenizer.encode(text));
    expect(await theirs.decode(tokenizer.encode(text))).toBe(text);
  });
});
