import type { ByteLevelSpec, PreTokenizerSpec } from '../tokenizer-json.ts';
import { type NamedSplitPattern, SPLIT_PATTERNS } from './split-patterns.ts';

/**
 * Bytes in GPT-2's alphabet, as pre-tokenizer and as decoder. Every field is written: Hugging Face's `tokenizers`
 * refuses the component without them.
 */
export const BYTE_LEVEL: ByteLevelSpec = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: false,
};

/** Cut text by a pattern (named, or in the syntax of tokenizer.json), then write its bytes in GPT-2's alphabet. */
export function byteLevelPreTokenizer(pattern: NamedSplitPattern | (string & {})): PreTokenizerSpec {
  if (pattern === 'gpt2') return { ...BYTE_LEVEL, use_regex: true };
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: splitPattern(pattern) }, behavior: 'Isolated', invert: false },
      BYTE_LEVEL,
    ],
  };
}

/** A named pattern's expression; anything else is an expression already. */
export function splitPattern(pattern: NamedSplitPattern | (string & {})): string {
  return Object.hasOwn(SPLIT_PATTERNS, pattern) ? SPLIT_PATTERNS[pattern as NamedSplitPattern] : pattern;
}
