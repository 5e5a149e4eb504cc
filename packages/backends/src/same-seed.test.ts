import { testSameSeed } from './testing/test-same-seed.ts';

testSameSeed(['cpu', 'wasm', 'node', 'webgpu']);
