export { describeOnBackends, startBackend, type TestedBackend } from './backends.ts';
export { expectClose, type Tolerance } from './close.ts';
export { expectFiniteDifferences, type FiniteDifferencesOptions } from './finite-differences.ts';
export { randomIds, randomNormal } from './random.ts';
export { type TestableKVCache, type TestKVCacheOptions, testKVCache } from './test-kv-cache.ts';
export { type TestLayerOptions, testLayer } from './test-layer.ts';
export { type TestModelOptions, testModel } from './test-model.ts';
