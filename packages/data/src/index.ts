export {
  type BatchesOptions,
  batches,
  type EvaluationWindowOptions,
  type WindowOptions,
  windows,
} from './batches.ts';
export { decodeText, normalizeNewlines } from './decode-text.ts';
export {
  DownloadError,
  NoFilesError,
  TextEncodingError,
  TextFileError,
  TooFewTokensError,
} from './errors.ts';
export { type Split, type SplitOptions, splitText, splitTokens } from './split.ts';
export { type Encoder, type TokenStream, tokenize } from './tokenize.ts';
