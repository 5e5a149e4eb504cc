import { ConfigError } from '@minigpt/core';

/**
 * Turns one row of logits `[V]` into another; -Infinity rules a token out. Pure: the row that came is not changed.
 */
export type LogitsProcessor = (logits: Float32Array) => Float32Array;

/** Applies processors one after another. */
export function chain(processors: readonly LogitsProcessor[]): LogitsProcessor {
  return (logits) => processors.reduce((row, process) => process(row), logits);
}

export interface TokensToKeep {
  /** This many of the likeliest tokens are never ruled out. Default 1. */
  readonly minTokensToKeep?: number;
}

/** @throws ConfigError */
export function checkCount(setting: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new ConfigError(setting, `${setting} must be a whole number of at least 1, but ${value} came.`);
}
