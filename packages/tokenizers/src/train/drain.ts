import { breather } from './breathe.ts';
import type { TrainingOptions } from './training-options.ts';

/** Runs a trainer that yields the size of its vocabulary; reports progress, lets the event loop run, obeys the signal. */
export async function drain<Result>(
  steps: Generator<number, Result, void>,
  { vocabSize, onProgress, signal }: TrainingOptions,
): Promise<Result> {
  const breathe = breather(signal);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const pause = breathe();
    if (!pause) continue;
    onProgress?.({ stage: 'vocabulary', done: step.value, total: vocabSize });
    await pause;
  }
}
