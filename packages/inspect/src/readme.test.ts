import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: ([[paths, shape]]) => {
    expect(paths).toEqual(['transformer.h.0.attn.attention', 'transformer.h.1.attn.attention']);
    expect(shape).toEqual([1, 5, 65]);
  },
});
