import { testBackend } from './index.ts';

testBackend('wasm');
testBackend('webgl');
testBackend('webgpu');
