import { ConfigError } from '@minigpt/core';

/** @throws ConfigError */
export function checkPositive(settings: Readonly<Record<string, number>>): void {
  for (const [setting, value] of Object.entries(settings)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ConfigError(setting, `${setting} must be a positive integer, but ${value} came.`);
    }
  }
}
