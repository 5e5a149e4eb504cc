import { buildTokenizer } from './build-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

/**
 * A tokenizer of a tokenizer.json whose model is BPE: byte-level (GPT-2, Llama 3, Qwen, StarCoder) or SentencePiece's.
 * The same as `createTokenizer` without the components that such tokenizers do not use, for a small bundle.
 *
 * @throws TokenizerFormatError where it contradicts itself, UnknownComponentError, PatternError
 */
export function createBpeTokenizer(spec: TokenizerJson): Tokenizer {
  return buildTokenizer(spec);
}
