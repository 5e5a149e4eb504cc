export {
  type BatchesOptions,
  batches,
  type EvaluationWindowOptions,
  type WindowOptions,
  windows,
} from './batches.ts';
export { type CountedLoss, countedLoss } from './counted-loss.ts';
export { decodeText, normalizeNewlines } from './decode-text.ts';
export {
  DownloadError,
  NoFilesError,
  TextEncodingError,
  TextFileError,
  TooFewTokensError,
} from './errors.ts';
export { ShardError, ShardSourceError, ShardWriteError } from './shards/errors.ts';
export { parseShardIndex, type Shard, type ShardIndex, type ShardProgress } from './shards/shard-index.ts';
export { type ReadShard, type ShardedTokens, shardedTokens } from './shards/sharded-tokens.ts';
export { shuffledBatches } from './shuffled-batches.ts';
export { type Split, type SplitOptions, splitText, splitTokens } from './split.ts';
export type { TokenSequence } from './token-sequence.ts';
export { type Encoder, type TokenStream, tokenize } from './tokenize.ts';
