import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PatternError } from '../errors.ts';
import { shared } from '../testing/shared.ts';
import { compilePattern } from './pattern.ts';

const find = (pattern: string, text: string) =>
  [...compilePattern(pattern)(text)].map(([a, b]) => text.slice(a, b));

describe('compilePattern', () => {
  it("has Unicode's white space: U+0085 in, U+FEFF out", () => {
    expect(find('\\s+', 'a \u0085b\ufeffc\u3000')).toEqual([' \u0085', '\u3000']);
    expect(find('[^\\s]+', 'a\u0085b\ufeffc')).toEqual(['a', 'b\ufeffc']);
  });

  it('folds the long s into (?i:s), as Rust and Oniguruma do', () => {
    expect(find("(?i:'s)", "'S 'ſ")).toEqual(["'S", "'ſ"]);
    expect(find('(?i:[^k])', 'kK\u212aa')).toEqual(['a']);
  });

  it('does not give back from atomic groups and possessive repetitions', () => {
    expect(find('(?>a|ab)c', 'abc ac')).toEqual(['ac']);
    expect(find('a++ab', 'aaab')).toEqual([]);
  });

  it.each([
    '(',
    '[a',
    'a{2,1}',
    '*a',
    '\\p{NoSuchThing}',
    '(?<n',
    '\\',
    'a)',
    '(?m:a)',
    `${'('.repeat(500)}`,
  ])('refuses %j by a PatternError', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(PatternError);
  });

  it.each(['(a+)+b', '(a|a)*b', '(a*)*b', '(?:a|aa)+$b', '(.*a){20}b', '.*.*.*.*=x'])(
    'stops %s, which would backtrack for ever, within a second',
    (pattern) => {
      const started = performance.now();
      expect(() => find(pattern, 'a'.repeat(5_000))).toThrow(PatternError);
      expect(performance.now() - started).toBeLessThan(1000);
    },
  );

  it('runs nested loops that can match in one way only as fast as any other', () => {
    const text = 'e\u0301'.repeat(100_000);
    expect(find('(?:\\p{L}\\p{M}*)+', text)).toEqual([text]);
  });
});

interface Oracle {
  tokens: Record<string, string[][]>;
}
interface Patterns {
  defaults: { inputs: string[] };
  patterns: { id: string; name?: string; pattern: string; inputs?: string[]; knownDivergence?: boolean }[];
}

describe.skipIf(!shared)(
  `Oniguruma's answers (needs reference data: set MINIGPT_SHARED to its folder)`,
  () => {
    if (!shared) return;
    const oracle: Oracle = JSON.parse(
      gunzipSync(readFileSync(`${shared}/vectors/splitRegexOracle.json.gz`)).toString(),
    );
    const { defaults, patterns }: Patterns = JSON.parse(
      readFileSync(`${shared}/vectors/splitRegexPatterns.json`, 'utf8'),
    );

    // Oniguruma folds whole strings: its (?i:ss) matches ß. No published tokenizer needs that, and we do not.
    it.each(patterns.filter(({ id }) => id !== 'edge-ci-full-fold'))(
      '$id',
      ({ id, name = id, pattern, inputs = defaults.inputs }) => {
        const ours = inputs.map((text) => find(pattern, text).filter((piece) => piece !== ''));
        expect(ours).toEqual(oracle.tokens[name]);
      },
    );
  },
);
