import type { Tokenizer } from 'tokenizers';
import type { TokenizerJson } from '../tokenizer-json.ts';

const binding = await import('tokenizers').catch(() => undefined);

/** Whether Hugging Face's `tokenizers` has a native binding for this machine: tests that compare with it ask. */
export const hasNative = binding !== undefined;

/** Hugging Face's own `tokenizers` (Rust), to check that what we write is what it reads. For tests only. */
export class NativeTokenizer {
  readonly #tokenizer: Tokenizer;

  constructor(json: TokenizerJson) {
    if (!binding) throw new Error('The native binding of tokenizers cannot be loaded on this machine.');
    this.#tokenizer = binding.Tokenizer.fromString(JSON.stringify(json));
  }

  async encode(text: string, addSpecialTokens = false): Promise<number[]> {
    return (await this.#tokenizer.encode(text, null, { addSpecialTokens })).getIds();
  }

  decode(ids: readonly number[], skipSpecialTokens = false): Promise<string> {
    return this.#tokenizer.decode([...ids], skipSpecialTokens);
  }
}
