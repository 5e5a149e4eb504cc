import { ConfigError } from '@minigpt/core';
import { NEEDS_REFERENCE_DATA, readReferenceJson, referenceData } from '@minigpt/testing/reference';
import { describe, expect, it } from 'vitest';
import { constant, type Schedule, warmupCosine, warmupLinear } from './schedules.ts';
import { readFixture } from './testing/fixtures.ts';

/** To 1e-12, absolutely. */
function expectRates(schedule: Schedule, expected: readonly number[]): void {
  expect(expected.length).toBeGreaterThan(0);
  for (const [step, rate] of expected.entries()) {
    expect(Math.abs(schedule(step) - rate), `step ${step}`).toBeLessThanOrEqual(1e-12);
  }
}

describe('schedules', () => {
  it('agree with our own fixture', () => {
    const { options, warmup_cosine, warmup_linear } = readFixture<{
      options: { learning_rate: number; warmup_iters: number; lr_decay_iters: number; min_lr: number };
      warmup_cosine: number[];
      warmup_linear: number[];
    }>('schedules.json');
    const common = {
      learningRate: options.learning_rate,
      warmupIters: options.warmup_iters,
      lrDecayIters: options.lr_decay_iters,
    };
    expectRates(warmupCosine({ ...common, minLr: options.min_lr }), warmup_cosine);
    expectRates(warmupLinear(common), warmup_linear);
  });

  const folder = referenceData();
  it.skipIf(folder === undefined)(
    `agree with the tables of nanoGPT and transformers ${folder ? '' : NEEDS_REFERENCE_DATA}`,
    () => {
      const { tables } = readReferenceJson<{ tables: Record<string, { lr: number[] }> }>(
        `${folder}/golden/optim/schedules.json`,
      );
      const common = { learningRate: 1e-3, warmupIters: 10 };
      expectRates(warmupCosine({ ...common, lrDecayIters: 90, minLr: 1e-4 }), tables.nanogpt_cosine.lr);
      expectRates(warmupLinear({ ...common, lrDecayIters: 100 }), tables.linear.lr);
    },
  );

  it('stay at the lowest rate once the decay has ended', () => {
    for (const make of [warmupCosine, warmupLinear]) {
      const schedule = make({ learningRate: 1, lrDecayIters: 10, minLr: 0.25 });
      expect([schedule(0), schedule(5), schedule(10), schedule(1e6)]).toEqual([1, 0.625, 0.25, 0.25]);
    }
    expect(constant(3e-4)(1e6)).toBe(3e-4);
  });

  it('refuse settings that contradict each other', () => {
    expect(() => warmupCosine({ learningRate: 1, warmupIters: 100, lrDecayIters: 100 })).toThrow(
      'The decay must end after the warm-up, but lrDecayIters is 100 and warmupIters 100; lower warmupIters or raise lrDecayIters.',
    );
    expect(() => warmupLinear({ learningRate: 1e-4, lrDecayIters: 9, minLr: 1e-3 })).toThrow(
      'minLr must not exceed',
    );
    expect(() => constant(-1)).toThrow(ConfigError);
    expect(() => warmupCosine({ learningRate: Number.NaN, lrDecayIters: 9 })).toThrow(ConfigError);
  });
});
