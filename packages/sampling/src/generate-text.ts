import { ConfigError, type LanguageModel } from '@minigpt/core';
import { type GeneratedToken, type GenerateOptions, generate } from './generate.ts';

/** What is asked of a tokenizer; those of `@minigpt/tokenizers` have it. */
export interface TextTokenizer {
  encode(text: string): number[];
  /** The texts given by `push` and `flush` join to the text of all ids. */
  streamingDecoder(options?: { readonly skipSpecialTokens?: boolean }): {
    push(id: number): string;
    flush(): string;
  };
}

export interface GenerateTextOptions extends GenerateOptions {
  /** The text ends before the first of these, wherever tokens begin and end; what is left of it is not given. */
  readonly stopStrings?: readonly string[];
}

export interface GeneratedPiece extends GeneratedToken {
  /**
   * What can be said of the text by now, often just this token's: no half characters, and nothing that may yet turn out to
   * be the beginning of a stop string. Special tokens have no text.
   */
  readonly text: string;
}

/**
 * Continues a text as `generate` does, with its pieces of text, which join to the whole continuation.
 *
 * @param prompt a text, or ids where special tokens are to come first
 * @throws as `generate` does; ConfigError for an empty stop string
 */
export function generateText(
  model: LanguageModel,
  tokenizer: TextTokenizer,
  prompt: string | readonly number[],
  { stopStrings = [], ...options }: GenerateTextOptions = {},
): AsyncGenerator<GeneratedPiece, void, undefined> {
  if (stopStrings.includes('')) {
    throw new ConfigError(
      'stopStrings',
      'Each of stopStrings must have at least one character, but one is empty.',
    );
  }
  const ids = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt;
  const tokens = generate(model, ids, options);

  async function* pieces(): AsyncGenerator<GeneratedPiece, void, undefined> {
    const decoder = tokenizer.streamingDecoder({ skipSpecialTokens: true });
    for (const id of ids) decoder.push(id); // a first word keeps the space before it
    let pending = '';
    for await (const token of tokens) {
      pending += decoder.push(token.id);
      if (token.finishReason !== undefined) pending += decoder.flush();
      const stop = firstOf(stopStrings, pending);
      if (stop >= 0) {
        yield { ...token, text: pending.slice(0, stop), finishReason: 'stop' };
        return;
      }
      const held = token.finishReason === undefined ? begunAtEnd(stopStrings, pending) : 0;
      const text = pending.slice(0, pending.length - held);
      pending = pending.slice(text.length);
      yield { ...token, text };
    }
  }
  return pieces();
}

/** Where the first of the strings begins in the text, or -1. */
function firstOf(strings: readonly string[], text: string): number {
  const found = strings.map((string) => text.indexOf(string)).filter((index) => index >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** How many characters at the end of the text may be the beginning of one of the strings. */
function begunAtEnd(strings: readonly string[], text: string): number {
  const longest = Math.min(text.length, Math.max(0, ...strings.map((string) => string.length - 1)));
  for (let length = longest; length > 0; length--) {
    const end = text.slice(text.length - length);
    if (strings.some((string) => string.startsWith(end))) return length;
  }
  return 0;
}
