import { ConfigError, TokenRangeError } from '@minigpt/core';
import { PromptError } from './errors.ts';

/** @throws PromptError where there is no id, TokenRangeError */
export function checkPrompt(ids: readonly number[], vocabSize: number): void {
  if (ids.length === 0) {
    throw new PromptError(0, 'Generation continues a text, but no token came; give at least one id.');
  }
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) throw new TokenRangeError(id, vocabSize);
  }
}

/** @throws ConfigError unless it is a whole number of at least 0 */
export function checkNatural(setting: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new ConfigError(setting, `${setting} must be a whole number of at least 0, but ${value} came.`);
}
