import { expect, it } from 'vitest';
import { ConfigError, MinigptError, ShapeError, TokenRangeError } from './index.ts';

it('every error is a MinigptError that carries its own name', () => {
  const errors = [
    new ConfigError('nHead', 'nHead must divide nEmbd.'),
    new ShapeError('The ids', '[B, T]', [3]),
    new TokenRangeError(9, 5),
  ];
  for (const error of errors) expect(error).toBeInstanceOf(MinigptError);
  expect(errors.map(({ name }) => name)).toEqual(['ConfigError', 'ShapeError', 'TokenRangeError']);
});

it('carries what was wrong as fields', () => {
  expect(new ConfigError('nHead', 'x').setting).toBe('nHead');
  expect(new ShapeError('The ids', '[B, T]', [3])).toMatchObject({
    message: 'The ids must have shape [B, T], but it is [3].',
    expected: '[B, T]',
    actual: [3],
  });
  expect(new TokenRangeError(9, 5)).toMatchObject({
    message:
      'Token ids must lie in 0…4, but 9 came; encode the text with the tokenizer that this model was trained with.',
    id: 9,
    vocabSize: 5,
  });
});
