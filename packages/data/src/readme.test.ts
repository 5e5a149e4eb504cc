import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: ([batch, ...shapes]) => {
    expect(batch.map((ids) => (ids as Int32Array).length)).toEqual([32, 32]);
    expect(shapes).toEqual([[[4, 8]], [[1, 1]]]);
  },
});
