import { ConfigError } from '@minigpt/core';
import { checkNonNegative } from './check.ts';

/** The learning rate of a step; steps count from 0. */
export type Schedule = (step: number) => number;

export interface WarmupOptions {
  /** The highest rate, reached when the warm-up ends. */
  readonly learningRate: number;
  /** W: steps of the warm-up. Default 0. */
  readonly warmupIters?: number;
  /** D: the step at which the decay ends. */
  readonly lrDecayIters: number;
  /** The rate from step D on. Default 0. */
  readonly minLr?: number;
}

/** The same rate at every step. */
export function constant(learningRate: number): Schedule {
  checkNonNegative('learningRate', learningRate);
  return () => learningRate;
}

/**
 * nanoGPT's schedule: linear warm-up, η (t + 1) / (W + 1), which leaves out the useless rate 0; then half a cosine down to
 * `minLr` (Loshchilov and Hutter 2017, "SGDR", without restarts), minLr + ½ (1 + cos(π (t - W) / (D - W))) (η - minLr).
 *
 * @throws ConfigError
 */
export function warmupCosine(options: WarmupOptions): Schedule {
  const { learningRate, warmupIters, lrDecayIters, minLr } = checked(options);
  return (step) => {
    if (step < warmupIters) return (learningRate * (step + 1)) / (warmupIters + 1);
    if (step >= lrDecayIters) return minLr;
    const progress = (step - warmupIters) / (lrDecayIters - warmupIters);
    return minLr + 0.5 * (1 + Math.cos(Math.PI * progress)) * (learningRate - minLr);
  };
}

/**
 * Linear warm-up, η t / W, then a straight line down to `minLr`: with its default of 0 that is transformers'
 * `get_linear_schedule_with_warmup`, whose first step has rate 0.
 *
 * @throws ConfigError
 */
export function warmupLinear(options: WarmupOptions): Schedule {
  const { learningRate, warmupIters, lrDecayIters, minLr } = checked(options);
  return (step) => {
    if (step < warmupIters) return (learningRate * step) / warmupIters;
    if (step >= lrDecayIters) return minLr;
    return minLr + ((lrDecayIters - step) / (lrDecayIters - warmupIters)) * (learningRate - minLr);
  };
}

function checked({
  learningRate,
  warmupIters = 0,
  lrDecayIters,
  minLr = 0,
}: WarmupOptions): Required<WarmupOptions> {
  const options = { learningRate, warmupIters, lrDecayIters, minLr };
  for (const [setting, value] of Object.entries(options)) checkNonNegative(setting, value);
  if (lrDecayIters <= warmupIters) {
    throw new ConfigError(
      'lrDecayIters',
      `The decay must end after the warm-up, but lrDecayIters is ${lrDecayIters} and warmupIters ${warmupIters}; lower warmupIters or raise lrDecayIters.`,
    );
  }
  if (minLr > learningRate) {
    throw new ConfigError(
      'minLr',
      `minLr must not exceed learningRate, but ${minLr} > ${learningRate}; lower minLr.`,
    );
  }
  return options;
}
