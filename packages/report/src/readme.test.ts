import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: (logged) => expect(logged[0]?.[0]).toContain('What follows q</title>'),
});
