export { readMobyDick } from './moby-dick.ts';
export { readText } from './read-text.ts';
export { type OpenShards, type OpenShardsOptions, openShards, readShardIndex } from './shards/open-shards.ts';
export { type ReadDocumentsOptions, readDocuments } from './shards/read-documents.ts';
export type { SourceFilesOptions, SourceFormat } from './shards/source-files.ts';
export { type VerifiedFile, verifyShards } from './shards/verify-shards.ts';
export {
  type ShardEvent,
  type ShardProgressEvent,
  type WriteShardsOptions,
  writeShards,
} from './shards/write-shards.ts';
export { findSources, readTexts, type Source, type SourcesOptions } from './sources.ts';
