import { testBackend } from './index.ts';

testBackend('webgl');
testBackend('webgpu');
