import { afterEach, expect, it, vi } from 'vitest';
import { nextTask } from './next-task.ts';

afterEach(() => vi.unstubAllGlobals());

/** Whether a timer that is due gets its turn during `count` tasks. */
async function timerRunsWithin(count: number): Promise<boolean> {
  let ran = false;
  setTimeout(() => {
    ran = true;
  }, 0);
  const end = performance.now() + 5;
  while (performance.now() < end); // the timer is due now
  for (let i = 0; i < count; i++) await nextTask();
  return ran;
}

it('gives timers their turn, in Node and where there is no setImmediate', async () => {
  expect(await timerRunsWithin(3)).toBe(true);
  vi.stubGlobal('setImmediate', undefined);
  expect(await timerRunsWithin(3)).toBe(true);
});
