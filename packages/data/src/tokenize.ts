/** Token ids in a row, as compact as the vocabulary allows. */
export type TokenStream = Uint16Array | Uint32Array | Int32Array;

/** As much of a tokenizer as data needs; every `Tokenizer` of `@minigpt/tokenizers` is one. */
export interface Encoder {
  /** One more than the highest id. */
  readonly vocabSize: number;
  encode(text: string): ArrayLike<number>;
}

/** Encodes a whole text: 2 bytes a token up to a vocabulary of 65,536, else 4. Errors are the tokenizer's. */
export function tokenize(tokenizer: Encoder, text: string): TokenStream {
  const ids = tokenizer.encode(text);
  return tokenizer.vocabSize <= 2 ** 16 ? Uint16Array.from(ids) : Uint32Array.from(ids);
}
