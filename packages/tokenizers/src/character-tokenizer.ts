import { createTokenizer } from './create-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * A tokenizer whose tokens are the distinct characters (Unicode code points) of `text`, ids in ascending order of code
 * point, as nanoGPT's character-level data has it. Text is given back exactly.
 *
 * Encoding a character that `text` lacks throws {@link UnknownTokenError}, which names it and its position.
 */
export const characterTokenizer = {
  train(text: string): Tokenizer {
    const characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    return createTokenizer({
      pre_tokenizer: { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
      decoder: { type: 'Fuse' },
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(characters.map((character, id) => [character, id])),
        // Not in the vocabulary: an unknown character is an error.
        unk_token: '<unk>',
      },
    });
  },
};
