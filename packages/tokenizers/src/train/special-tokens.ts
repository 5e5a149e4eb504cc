import type { AddedToken } from '../tokenizer-json.ts';

/** Special tokens with ids from `firstId` on, found in text exactly as they are spelled. */
export function specialTokens(contents: readonly string[], firstId = 0): AddedToken[] {
  return contents.map((content, i) => ({
    id: firstId + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}
