import type { TokenizerJson } from './tokenizer-json.ts';

/** A typed array that `encodeInto` can fill. */
export type TokenArray = Uint16Array | Uint32Array | Int32Array;

/** Which special tokens may appear in a text: tiktoken's `allowed_special` and `disallowed_special`. */
export interface SpecialTokenPolicy {
  /** Special tokens that are encoded as themselves where the text contains them. Default: none. */
  readonly allowedSpecial?: 'all' | Iterable<string>;
  /**
   * Special tokens that the text must not contain. Default `'all'`: every one that is not allowed, so that text from
   * outside cannot smuggle in an end of document. With `[]` such text is encoded like any other.
   */
  readonly disallowedSpecial?: 'all' | Iterable<string>;
}

export interface EncodeOptions extends SpecialTokenPolicy {
  /** Let the post-processor add its tokens (`<s>`, `[CLS]` … `[SEP]`). Default false: the ids of the text alone. */
  readonly addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  readonly skipSpecialTokens?: boolean;
  /** What to do with bytes that are not UTF-8: U+FFFD (default) or {@link InvalidUtf8Error}. */
  readonly errors?: 'replace' | 'strict';
}

/** Ids together with where each token comes from. All arrays have one entry a token. */
export interface Encoding {
  readonly ids: number[];
  /** Each token as the vocabulary spells it. */
  readonly tokens: string[];
  /** [start, end) in UTF-16 code units of the text (of the second text where `typeIds` says so). */
  readonly offsets: (readonly [number, number])[];
  /** [start, end) in bytes of the text's UTF-8. A token may be part of a character: then it covers the character. */
  readonly byteOffsets: (readonly [number, number])[];
  /** What the post-processor's template gives to the first and second text of a pair. */
  readonly typeIds: number[];
  /** 1 for a token that the post-processor added. */
  readonly specialTokensMask: number[];
}

/**
 * Decodes ids as they come. The texts given by `push` and `flush` join to `decode` of all ids; `push` never gives half
 * a character, and keeps what may still change (a word-initial space, an incomplete UTF-8 sequence) for the next call.
 */
export interface StreamingDecoder {
  /** @throws TokenIdError */
  push(id: number): string;
  /** The rest; the decoder is then as new. @throws InvalidUtf8Error with `errors: 'strict'` */
  flush(): string;
}

/**
 * Text to ids and back. Every tokenizer of this package, trained or loaded, is one of these.
 * A lone surrogate in a text is read as U+FFFD, as `TextEncoder` does.
 */
export interface Tokenizer {
  /** One more than the highest id: the number of rows an embedding table needs. */
  readonly vocabSize: number;
  /** Added tokens marked special, by content. */
  readonly specialTokens: ReadonlyMap<string, number>;

  /** @throws DisallowedSpecialTokenError, UnknownTokenError */
  encode(text: string, options?: EncodeOptions): number[];
  /** Two texts joined as the post-processor says (`[CLS] a [SEP] b [SEP]`); concatenated where it says nothing. */
  encodePair(text: string, pair: string, options?: EncodeOptions): number[];
  encodeBatch(texts: readonly string[], options?: EncodeOptions): number[][];
  encodeWithOffsets(text: string, options?: EncodeOptions & { readonly pair?: string }): Encoding;
  /** `encode(text).length`, without building the array. */
  count(text: string, options?: EncodeOptions): number;
  /**
   * Writes the ids to `target` from index `start` (default 0); returns how many were written.
   * @throws TargetArrayError where they do not fit: too many, or too large for the element type
   */
  encodeInto(text: string, target: TokenArray, start?: number, options?: EncodeOptions): number;

  /** @throws TokenIdError, InvalidUtf8Error */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  streamingDecoder(options?: DecodeOptions): StreamingDecoder;

  /** Every token, as the vocabulary spells it (`Ġthe`, `▁the`, `##ing`), with its id; added tokens included. */
  vocabulary(): ReadonlyMap<string, number>;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
  /**
   * The bytes that a token stands for inside a text: `Ġthe` gives ` the`, `<0x0A>` one byte 10.
   * @throws TokenIdError
   */
  tokenBytes(id: number): Uint8Array;
  /** The `n` tokens with most bytes, longest first; special tokens left out. */
  longestTokens(n: number): { readonly id: number; readonly token: string; readonly bytes: Uint8Array }[];

  /** A tokenizer.json that Hugging Face's `tokenizers` loads, with the same ids. */
  toJSON(): TokenizerJson;
}
