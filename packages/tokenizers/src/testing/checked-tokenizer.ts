import { expect } from 'vitest';
import { createTokenizer } from '../create-tokenizer.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import { hasNative, NativeTokenizer } from './native.ts';

/** Our tokenizer, every answer compared with that of Hugging Face's library where it can be loaded. For tests only. */
export class CheckedTokenizer {
  readonly #ours: Tokenizer;
  readonly #native: NativeTokenizer | undefined;

  constructor(json: TokenizerJson) {
    this.#ours = createTokenizer(json);
    this.#native = hasNative ? new NativeTokenizer(json) : undefined;
  }

  async encode(text: string, addSpecialTokens = false): Promise<number[]> {
    const ids = this.#ours.encode(text, { allowedSpecial: 'all', addSpecialTokens });
    if (this.#native) expect(await this.#native.encode(text, addSpecialTokens)).toEqual(ids);
    return ids;
  }

  async decode(ids: readonly number[], skipSpecialTokens = false): Promise<string> {
    const text = this.#ours.decode(ids, { skipSpecialTokens });
    if (this.#native) expect(await this.#native.decode(ids, skipSpecialTokens)).toBe(text);
    return text;
  }
}
