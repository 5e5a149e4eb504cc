import type { TokenSequence } from '@minigpt/data';
import type { Tokenizer } from '@minigpt/tokenizers';

const BLOCK = 2 ** 16;

/** How many bytes of text the tokens of a stream stand for; a special token stands for none. */
export function textBytes(tokens: TokenSequence, tokenizer: Tokenizer): number {
  const special = new Set(tokenizer.specialTokens.values());
  const lengths = new Map<number, number>();
  let bytes = 0;
  for (let start = 0; start < tokens.length; start += BLOCK) {
    for (const id of Array.from(tokens.subarray(start, start + BLOCK))) {
      let length = lengths.get(id);
      if (length === undefined) {
        length = special.has(id) ? 0 : tokenizer.tokenBytes(id).length;
        lengths.set(id, length);
      }
      bytes += length;
    }
  }
  return bytes;
}
