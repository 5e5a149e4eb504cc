import { expect, it } from 'vitest';
import { tokenize } from './tokenize.ts';

const codePoints = (vocabSize: number) => ({
  vocabSize,
  encode: (text: string) => [...text].map((character) => character.codePointAt(0) as number),
});

it('picks the smallest array that holds the vocabulary', () => {
  expect(tokenize(codePoints(65_536), 'a\uFFFF')).toEqual(Uint16Array.of(97, 65_535));
  expect(tokenize(codePoints(65_537), 'a\u{10000}')).toEqual(Uint32Array.of(97, 65_536));
});

it('gives an empty stream for an empty text', () => {
  expect(tokenize(codePoints(256), '')).toEqual(new Uint16Array(0));
});
