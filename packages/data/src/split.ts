import { ConfigError } from '@minigpt/core';
import type { TokenStream } from './tokenize.ts';

/** What is trained on, and what is held out to measure on. */
export interface Split<T> {
  readonly train: T;
  readonly validation: T;
}

export interface SplitOptions {
  /** The share at the end that is held out, in [0, 1). Default 0.1, as nanoGPT has it. */
  readonly validationFraction?: number;
}

/**
 * Holds out the end of a text: the first ⌊n · (1 - fraction)⌋ of its n characters (code points, as Python counts) are for
 * training. The two parts join to the text.
 *
 * @throws ConfigError
 */
export function splitText(text: string, options: SplitOptions = {}): Split<string> {
  const cut = utf16Offset(text, trainingShare(codePointCount(text), options));
  return { train: text.slice(0, cut), validation: text.slice(cut) };
}

/**
 * Holds out the end of a token stream, in the same proportion as {@link splitText}. Both parts are views: nothing is copied.
 *
 * @throws ConfigError
 */
export function splitTokens<T extends TokenStream>(tokens: T, options: SplitOptions = {}): Split<T> {
  const cut = trainingShare(tokens.length, options);
  return { train: tokens.subarray(0, cut) as T, validation: tokens.subarray(cut) as T };
}

function trainingShare(count: number, { validationFraction = 0.1 }: SplitOptions): number {
  if (!(validationFraction >= 0 && validationFraction < 1)) {
    throw new ConfigError(
      'validationFraction',
      `The share that is held out must lie in [0, 1), but ${validationFraction} came; 0.1 holds out the last tenth.`,
    );
  }
  return Math.floor(count * (1 - validationFraction));
}

function codePointCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += unitsAt(text, i)) count++;
  return count;
}

function utf16Offset(text: string, codePoints: number): number {
  let offset = 0;
  for (let i = 0; i < codePoints; i++) offset += unitsAt(text, offset);
  return offset;
}

/** How many UTF-16 units the code point at `index` takes; a lone surrogate is one code point. */
function unitsAt(text: string, index: number): 1 | 2 {
  return (text.codePointAt(index) as number) > 0xffff ? 2 : 1;
}
