export { characterTokenizer } from './character-tokenizer.ts';
export {
  type ChatMessage,
  type ChatRenderOptions,
  ChatTemplate,
  type EncodedChat,
  type TemplateTokens,
  type TrainingChat,
} from './chat/chat-template.ts';
export { ChatTemplateError } from './chat/chat-template-error.ts';
export type { TemplateName } from './chat/named-templates.ts';
export { createTokenizer } from './create-tokenizer.ts';
export { createEncoding, ENCODING_NAMES, type EncodingName } from './encodings.ts';
export {
  DisallowedSpecialTokenError,
  EncodingDataError,
  InvalidUtf8Error,
  PatternError,
  TargetArrayError,
  TextFileEncodingError,
  TokenIdError,
  TokenizerError,
  TokenizerFormatError,
  UnknownComponentError,
  UnknownTokenError,
} from './errors.ts';
export { type GgufMetadata, readGgufVocabulary } from './formats/gguf.ts';
export { readLlama2cTokenizer } from './formats/llama2c.ts';
export { readSentencePiece, type SentencePieceOptions } from './formats/sentencepiece.ts';
export type { NamedSplitPattern } from './formats/split-patterns.ts';
export { readTiktoken, type TiktokenOptions } from './formats/tiktoken.ts';
export { readVocabAndMerges, type VocabMergesOptions } from './formats/vocab-merges.ts';
export { writeLlama2cTokenizer } from './formats/write-llama2c.ts';
export { loadTokenizer } from './load-tokenizer.ts';
export type * from './tokenizer.ts';
export type * from './tokenizer-json.ts';
export { type Corpus, documentsOf } from './train/corpus.ts';
export type { TieRule } from './train/merge-queue.ts';
export { type BpeTrainingOptions, trainBpe } from './train/train-bpe.ts';
export { trainUnigram, type UnigramTrainingOptions } from './train/train-unigram.ts';
export { trainWordPiece, type WordPieceTrainingOptions } from './train/train-word-piece.ts';
export {
  TrainingOptionError,
  type TrainingOptions,
  type TrainingProgress,
} from './train/training-options.ts';
export {
  type AnsiOptions,
  type TokenKind,
  tokensToAnsi,
  tokensToHtml,
  type VisualToken,
  visualise,
} from './visualise.ts';
export { UNKNOWN_WORD, type WordTokenizerOptions, wordTokenizer } from './word-tokenizer.ts';
