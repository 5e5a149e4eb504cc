import { ConfigError } from '@minigpt/core';

/**
 * Turns one row of logits `[V]` into another, knowing the ids so far, prompt included; -Infinity rules a token out. Pure: the
 * row that came is not changed.
 */
export type LogitsProcessor = (logits: Float32Array, ids: readonly number[]) => Float32Array;

/** A processor that looks at the row alone. */
export type LogitsWarper = (logits: Float32Array) => Float32Array;

/** Applies processors one after another. */
export function chain(processors: readonly LogitsWarper[]): LogitsWarper;
export function chain(processors: readonly LogitsProcessor[]): LogitsProcessor;
export function chain(processors: readonly LogitsProcessor[]): LogitsProcessor {
  return (logits, ids) => processors.reduce((row, process) => process(row, ids), logits);
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

/** @throws ConfigError unless 0 < value < 1 */
export function checkFraction(setting: string, value: number): void {
  if (value > 0 && value < 1) return;
  throw new ConfigError(setting, `${setting} must lie between 0 and 1, but ${value} came.`);
}

/** @throws ConfigError */
export function checkFinite(setting: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw new ConfigError(setting, `${setting} must be a finite number, but ${value} came.`);
}
