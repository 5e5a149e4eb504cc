import { InvalidArgumentError } from 'commander';

// Parsers of flag values; commander puts the flag's name in front of their messages.

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It takes a positive integer.');
  return value;
}

export function integer(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It takes an integer.');
  return value;
}
