import { ConfigError } from '@minigpt/core';

/** @throws ConfigError unless `value` is an integer of at least 1. */
export function checkPositiveInteger(setting: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ConfigError(setting, `${setting} must be a positive integer, but ${value} came.`);
}

/** @throws ConfigError unless `value` is finite and at least 0. */
export function checkNonNegative(setting: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new ConfigError(setting, `${setting} must be a finite number of at least 0, but ${value} came.`);
}

/** @throws ConfigError unless `value` lies in [0, 1). */
export function checkFraction(setting: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new ConfigError(setting, `${setting} must lie in [0, 1), but ${value} came.`);
}
