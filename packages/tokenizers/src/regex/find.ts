import { PatternError } from '../errors.ts';

/** Finds the matches of an expression from left to right; an empty match moves on by one character. */
export type FindMatches = (text: string) => Iterable<readonly [start: number, end: number]>;

/** Makes an expression in Oniguruma's syntax into a search. @throws PatternError */
export type CompilePattern = (pattern: string) => FindMatches;

/** Finds a literal string. */
export function literalPattern(literal: string): FindMatches {
  return function* (text) {
    if (literal === '') return;
    for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length)) {
      yield [at, at + literal.length];
    }
  };
}

/** Stands in for `compilePattern` where a bundle does without it. */
export const noPatterns: CompilePattern = (pattern) => {
  throw new PatternError(pattern, 'no scanner knows it; pass compilePattern, or use createTokenizer.');
};
