import { Tokenizer } from 'tokenizers';
import type { TokenizerJson } from '../tokenizer-json.ts';

/** Hugging Face's own `tokenizers` (Rust), to check that what we write is what it reads. For tests only. */
export class NativeTokenizer {
  readonly #tokenizer: Tokenizer;

  constructor(json: TokenizerJson) {
    this.#tokenizer = Tokenizer.fromString(JSON.stringify(json));
  }

  async encode(text: string, addSpecialTokens = false): Promise<number[]> {
    return (await this.#tokenizer.encode(text, null, { addSpecialTokens })).getIds();
  }

  decode(ids: readonly number[], skipSpecialTokens = false): Promise<string> {
    return this.#tokenizer.decode([...ids], skipSpecialTokens);
  }
}
