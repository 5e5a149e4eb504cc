import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: (logged) => expect(logged).toEqual([[[1, 5, 65], 809_856]]),
});
