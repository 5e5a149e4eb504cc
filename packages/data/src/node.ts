export { readMobyDick } from './moby-dick.ts';
export { readText } from './read-text.ts';
export { findSources, readTexts, type Source, type SourcesOptions } from './sources.ts';
