import { testReadme } from '@minigpt/testing/readme';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: ([[grads]]) => {
    const [[name, gradient], ...rest] = grads as Map<string, Tensor>;
    expect([name, gradient.arraySync(), rest]).toEqual(['weight', [4, 5, 6], []]);
  },
});
