import { buildTokenizer } from './build-tokenizer.ts';
import { type CompilePattern, noPatterns } from './regex/find.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

export { compilePattern } from './regex/pattern.ts';

export interface BpeTokenizerOptions {
  /**
   * How to run expressions that no hand-written scanner knows: pass `compilePattern`. Left out, such a tokenizer.json is
   * refused, and a bundle does without our translator of expressions. Scanners know the patterns of GPT-2, GPT-4, Llama 3,
   * GPT-4o, Qwen 2, StarCoder and SmolLM; Llama 2 and Mistral need none.
   */
  readonly compilePattern?: CompilePattern;
}

/**
 * A tokenizer of a tokenizer.json whose model is BPE, byte-level or SentencePiece's. The same as `createTokenizer`
 * without the components that such tokenizers do not use, for a small bundle.
 *
 * @throws TokenizerFormatError where it contradicts itself, UnknownComponentError, PatternError
 */
export function createBpeTokenizer(
  spec: TokenizerJson,
  { compilePattern = noPatterns }: BpeTokenizerOptions = {},
): Tokenizer {
  return buildTokenizer(spec, compilePattern);
}
