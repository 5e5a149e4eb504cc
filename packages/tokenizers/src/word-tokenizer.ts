import { createTokenizer } from './create-tokenizer.ts';
import { compilePattern } from './regex/pattern.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface WordTokenizerOptions {
  /** The most tokens, `<UNK>` included; the rarest words go. Default: all. */
  readonly vocabSize?: number;
  /** Words seen less often are unknown. Default 1. */
  readonly minFrequency?: number;
}

/** The token that stands for every word outside the vocabulary. */
export const UNKNOWN_WORD = '<UNK>';

/** A word with the space before it, a run of other characters with the space before it, or one white space. */
const WORD_PATTERN = ' ?[\\p{L}\\p{M}\\p{N}_]+| ?[^\\s\\p{L}\\p{M}\\p{N}_]|\\s';

/**
 * A tokenizer whose tokens are words and punctuation marks, each with the single space before it, so that decoding gives
 * the text back exactly but for unknown words. Id 0 is `<UNK>`; the others go from the most to the least frequent, equal
 * counts in order of appearance.
 */
export const wordTokenizer = {
  train(text: string, { vocabSize = Infinity, minFrequency = 1 }: WordTokenizerOptions = {}): Tokenizer {
    const counts = new Map<string, number>();
    for (const [start, end] of compilePattern(WORD_PATTERN)(text)) {
      const word = text.slice(start, end);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const words = [...counts]
      .filter(([word, count]) => count >= minFrequency && word !== UNKNOWN_WORD)
      .sort((a, b) => b[1] - a[1])
      .slice(0, Math.max(0, vocabSize - 1))
      .map(([word]) => word);
    return createTokenizer({
      pre_tokenizer: { type: 'Split', pattern: { Regex: WORD_PATTERN }, behavior: 'Isolated', invert: false },
      decoder: { type: 'Fuse' },
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries([UNKNOWN_WORD, ...words].map((word, id) => [word, id])),
        unk_token: UNKNOWN_WORD,
      },
    });
  },
};
