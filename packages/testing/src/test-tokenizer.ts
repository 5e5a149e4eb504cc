import type { Tokenizer } from '@minigpt/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

export interface TestTokenizerOptions {
  /** Reads what `toJSON` gave, as `loadTokenizer` does. */
  readonly load: (json: object) => Tokenizer;
  /** The characters that texts are made of; any Unicode text unless told. Special tokens must not be spelt with them. */
  readonly alphabet?: string;
  /** Whether decoding gives back every text over the alphabet: not where words are unknown or normalised. Default true. */
  readonly lossless?: boolean;
}

/**
 * What every tokenizer of this project keeps to, as a vitest suite with random texts: ids in range, a vocabulary that is
 * consistent, texts that come back, and the same tokenizer again from its JSON.
 *
 *     testTokenizer('characters', () => characterTokenizer.train('abc'), { load: loadTokenizer, alphabet: 'abc' });
 */
export function testTokenizer(
  name: string,
  make: () => Tokenizer,
  { load, alphabet, lossless = true }: TestTokenizerOptions,
): void {
  const unit = alphabet === undefined ? 'grapheme' : fc.constantFrom(...alphabet);
  const texts = fc.string({ unit, maxLength: 60 });
  const check = (title: string, body: (tokenizer: Tokenizer, text: string) => void) =>
    it(title, () => {
      const tokenizer = make();
      fc.assert(fc.property(texts, (text) => body(tokenizer, text)));
    });

  describe(`tokenizer ${name}`, () => {
    check('gives ids in range, and a text of them', (tokenizer, text) => {
      for (const id of tokenizer.encode(text)) {
        expect(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize).toBe(true);
      }
      const decoded = tokenizer.decode(tokenizer.encode(text));
      if (lossless) expect(decoded).toBe(text);
    });

    check('counts, fills arrays and works in batches alike', (tokenizer, text) => {
      const ids = tokenizer.encode(text);
      expect(tokenizer.count(text)).toBe(ids.length);
      expect(tokenizer.encodeBatch([text, '', text])).toEqual([ids, [], ids]);
      const filled = new Uint32Array(ids.length + 2);
      expect(tokenizer.encodeInto(text, filled, 1)).toBe(ids.length);
      expect(Array.from(filled)).toEqual([0, ...ids, 0]);
    });

    check('says where each token comes from', (tokenizer, text) => {
      const { ids, tokens, offsets } = tokenizer.encodeWithOffsets(text);
      expect(ids).toEqual(tokenizer.encode(text));
      expect(tokens).toEqual(ids.map((id) => tokenizer.idToToken(id)));
      for (const [start, end] of offsets) {
        expect(0 <= start && start <= end && end <= text.length).toBe(true);
      }
    });

    check('streams the text that decoding gives', (tokenizer, text) => {
      const ids = tokenizer.encode(text);
      const decoder = tokenizer.streamingDecoder();
      const streamed = ids.map((id) => decoder.push(id)).join('') + decoder.flush();
      expect(streamed).toBe(tokenizer.decode(ids));
    });

    it('has a vocabulary that names each id once, special tokens among them', () => {
      const tokenizer = make();
      const vocabulary = tokenizer.vocabulary();
      expect(new Set(vocabulary.values()).size).toBe(vocabulary.size);
      expect(Math.max(...vocabulary.values())).toBe(tokenizer.vocabSize - 1);
      for (const [token, id] of vocabulary) {
        expect(tokenizer.tokenToId(token)).toBe(id);
        expect(tokenizer.idToToken(id)).toBe(token);
      }
      for (const [token, id] of tokenizer.specialTokens) expect(vocabulary.get(token)).toBe(id);
      expect(tokenizer.idToToken(tokenizer.vocabSize)).toBeUndefined();
      expect(() => tokenizer.decode([tokenizer.vocabSize])).toThrow();
    });

    it('is the same tokenizer again from its JSON', () => {
      const tokenizer = make();
      const again = load(JSON.parse(JSON.stringify(tokenizer.toJSON())));
      expect(again.vocabulary()).toEqual(tokenizer.vocabulary());
      expect(again.specialTokens).toEqual(tokenizer.specialTokens);
      fc.assert(
        fc.property(texts, (text) => {
          const ids = tokenizer.encode(text);
          expect(again.encode(text)).toEqual(ids);
          expect(again.decode(ids)).toBe(tokenizer.decode(ids));
        }),
      );
    });
  });
}
