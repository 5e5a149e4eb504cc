import { InvalidArgumentError } from 'commander';

// Parsers of flag values; commander puts the flag's name in front of their messages.

export { integer, positiveInteger } from '@minigpt/report/node';

export function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('It takes a number that is not negative.');
  }
  return value;
}

/** A number in [0, 1). */
export function fraction(text: string): number {
  const value = nonNegative(text);
  if (value >= 1) throw new InvalidArgumentError('It takes a number in [0, 1).');
  return value;
}

/** `--bias`, `--bias true`, `--bias False`: nanoGPT's spelling too. */
export function boolean(text: string): boolean {
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  throw new InvalidArgumentError('It takes true or false.');
}

/** `1,2,3` */
export function ids(text: string): number[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const values = parts.map(Number);
  if (values.length === 0 || values.some((value) => !Number.isSafeInteger(value) || value < 0)) {
    throw new InvalidArgumentError('It takes token ids such as 1,2,3.');
  }
  return values;
}
