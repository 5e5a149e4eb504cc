import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PatternError } from '../errors.ts';
import { SPLIT_PATTERNS } from '../formats/split-patterns.ts';
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

  it('folds characters into several and back, as Oniguruma does', () => {
    expect(find('(?i:ss)', 'aßbssẞſs')).toEqual(['ß', 'ss', 'ẞ', 'ſs']);
    expect(find('(?i:ß)', 'assßSSẞ')).toEqual(['ss', 'ß', 'SS', 'ẞ']);
    expect(find('(?i:sss)', 'aßssßsß')).toEqual(['ßs', 'ßs']);
    expect(find('(?i:ss+)', 'aßss')).toEqual(['ss']);
    expect(find('(?i:ffi)', 'ﬃ FFI fﬁ')).toEqual(['ﬃ', 'FFI']);
    expect(find('(?i:αι)', 'ᾳᾼΑΙ')).toEqual(['ᾳ', 'ᾼ', 'ΑΙ']);
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

  /** Milliseconds of this process: what else the machine does is not counted. */
  const cpuTime = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };

  it.each([
    ...['(a+)+b', '(a|a)*b', '(a*)*b', '(?:a|aa)+$b', '((a|a){16}){16}b', '(a*){16}b', '(a?){16}a{16}b'],
    ...['(.*a){20}b', '.*.*.*.*=x', 'a*b', 'a*a*a*b', '(?:(?=.*b)a)+', '(?>a*b|a)+c', '(?<=a+)b', 'a+?b'],
  ])('stops %s, which would backtrack for ever, within a second', (pattern) => {
    const started = cpuTime();
    expect(() => find(pattern, 'a'.repeat(30_000))).toThrow(PatternError);
    expect(cpuTime() - started).toBeLessThan(1000);
  });

  it('stops what would take long over many matches, each short', () => {
    const started = cpuTime();
    expect(() => find('a|b*c', `a${'b'.repeat(15_000)}`.repeat(4))).toThrow(PatternError);
    expect(cpuTime() - started).toBeLessThan(1000);
  });

  it.each([SPLIT_PATTERNS.gpt2, SPLIT_PATTERNS.gpt4, SPLIT_PATTERNS.o200k])(
    'runs %s on long runs of any character',
    (pattern) => {
      for (const character of ['a', 'A', ' ', '\n', '7', '!', '字', '\u0301']) {
        const text = character.repeat(20_000);
        expect(find(pattern, text).join('')).toBe(text);
      }
    },
  );

  it('gives the same on a text where it counts steps as on one where it need not', () => {
    const text = `x = 1 y\u{1d400}: ${'a'.repeat(20_000)}= z:`;
    expect(find('\\w+\\s*[:=]', text)).toEqual(['x =', 'y\u{1d400}:', `${'a'.repeat(20_000)}=`, 'z:']);
  });

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

    it.each(patterns)('$id', ({ id, name = id, pattern, inputs = defaults.inputs }) => {
      const ours = inputs.map((text) => find(pattern, text).filter((piece) => piece !== ''));
      expect(ours).toEqual(oracle.tokens[name]);
    });
  },
);
