import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: (logged) => expect(logged[1]).toEqual([Float32Array.of(14)]),
});
