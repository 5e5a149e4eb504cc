import { testReadme } from '@minigpt/testing/readme';
import { expect } from 'vitest';
import type { StepEvent } from './events.ts';

testReadme({
  testFile: import.meta.url,
  run: () => import('./readme-example.ts'),
  check: (logged) => {
    const losses = logged.map(([event]) => (event as StepEvent).loss);
    expect(losses.length).toBe(50);
    expect(losses[49]).toBeLessThan(losses[0] / 2);
  },
});
