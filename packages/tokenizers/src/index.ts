export { characterTokenizer } from './character-tokenizer.ts';
export { createTokenizer } from './create-tokenizer.ts';
export { createEncoding, ENCODING_NAMES, type EncodingName } from './encodings.ts';
export {
  DisallowedSpecialTokenError,
  EncodingDataError,
  InvalidUtf8Error,
  PatternError,
  TargetArrayError,
  TokenIdError,
  TokenizerError,
  TokenizerFormatError,
  UnknownComponentError,
  UnknownTokenError,
} from './errors.ts';
export { loadTokenizer } from './load-tokenizer.ts';
export type * from './tokenizer.ts';
export type * from './tokenizer-json.ts';
export { UNKNOWN_WORD, type WordTokenizerOptions, wordTokenizer } from './word-tokenizer.ts';
