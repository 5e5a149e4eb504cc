import { testBackend } from './index.ts';

// WebGPU in Node, through the package `webgpu`; in Chromium it is tested by suites.browser.test.ts.
testBackend('webgpu');
