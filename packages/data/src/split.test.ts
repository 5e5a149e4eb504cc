import { ConfigError } from '@minigpt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText, splitTokens } from './split.ts';

describe('splitText', () => {
  it('holds out the last tenth of the characters, as nanoGPT does', () => {
    expect(splitText('abcdefghij')).toEqual({ train: 'abcdefghi', validation: 'j' });
    expect(splitText('abcdefghijk')).toEqual({ train: 'abcdefghi', validation: 'jk' });
    expect(splitText('')).toEqual({ train: '', validation: '' });
  });

  it('counts code points, joins to the whole, and never cuts a character in two', () => {
    const fraction = fc.double({ min: 0, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fraction, (text, validationFraction) => {
        const { train, validation } = splitText(text, { validationFraction });
        expect(train + validation).toBe(text);
        expect([...train].length).toBe(Math.floor([...text].length * (1 - validationFraction)));
      }),
    );
    expect(splitText('😀'.repeat(20)).validation).toBe('😀😀');
  });
});

describe('splitTokens', () => {
  it('gives views in the same proportion', () => {
    const tokens = Uint16Array.from({ length: 1_115_394 }, (_, i) => i);
    const { train, validation } = splitTokens(tokens);
    expect([train.length, validation.length]).toEqual([1_003_854, 111_540]); // nanoGPT's shakespeare_char
    expect(train.buffer).toBe(tokens.buffer);
    expect(validation[0]).toBe(tokens[1_003_854]);
  });

  it('refuses a share outside [0, 1)', () => {
    for (const validationFraction of [-0.1, 1, Number.NaN]) {
      expect(() => splitTokens(new Int32Array(3), { validationFraction })).toThrow(ConfigError);
    }
  });
});
