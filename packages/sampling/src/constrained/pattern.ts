import { PatternError } from './errors.ts';
import {
  type CodePointRange,
  characters,
  choice,
  complement,
  type Expression,
  LAST_CODE_POINT,
  repeat,
  sequence,
} from './expression.ts';

const MAX_NESTING = 100;

/** The texts that match from beginning to end. @throws PatternError */
export function wholeMatch(pattern: string): Expression {
  return choice(...new PatternParser(pattern).alternatives().map(({ body }) => body));
}

/** The texts in which something matches, as `RegExp.test` says. @throws PatternError */
export function partialMatch(pattern: string): Expression {
  const anything = repeat(characters([0, LAST_CODE_POINT]), 0, Number.POSITIVE_INFINITY);
  return choice(
    ...new PatternParser(pattern)
      .alternatives()
      .map(({ fromStart, body, toEnd }) =>
        sequence(...(fromStart ? [] : [anything]), body, ...(toEnd ? [] : [anything])),
      ),
  );
}

const code = (character: string) => character.codePointAt(0) as number;
const one = (character: string): CodePointRange => [code(character), code(character)];

const lineEnds = ['\n', '\r', '\u2028', '\u2029'].map(one);
const digits: readonly CodePointRange[] = [[0x30, 0x39]];
const wordCharacters: readonly CodePointRange[] = [...digits, [0x41, 0x5a], [0x61, 0x7a], one('_')];
const spaces: readonly CodePointRange[] = [
  [0x09, 0x0d],
  ...[' ', '\u00a0', '\u1680', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\ufeff'].map(one),
  [0x2000, 0x200a],
];
const classEscapes: ReadonlyMap<string, readonly CodePointRange[]> = new Map([
  ['d', digits],
  ['D', complement(digits)],
  ['w', wordCharacters],
  ['W', complement(wordCharacters)],
  ['s', spaces],
  ['S', complement(spaces)],
]);
const controlEscapes: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
  ['v', '\v'],
]);
const groupNames: readonly (readonly [prefix: string, name: string])[] = [
  ['?=', 'a lookahead'],
  ['?!', 'a negative lookahead'],
  ['?<=', 'a lookbehind'],
  ['?<!', 'a negative lookbehind'],
  ['?<', 'a named group'],
  ['?', 'a group with modifiers'],
];

/** Reads what ECMAScript's flag `u` understands, without what is refused by name. */
class PatternParser {
  private readonly pattern: string;
  private readonly characters: readonly string[];
  private at = 0;
  private nesting = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
    this.characters = [...pattern];
  }

  alternatives(): { readonly fromStart: boolean; readonly body: Expression; readonly toEnd: boolean }[] {
    const found = [];
    do {
      const fromStart = this.take('^');
      const body = this.sequence();
      found.push({ fromStart, body, toEnd: this.take('$') });
    } while (this.take('|'));
    if (this.at < this.characters.length)
      this.refuse(this.peek() === ')' ? 'a ) without its (' : 'an anchor elsewhere than at an end');
    return found;
  }

  private peek(ahead = 0): string | undefined {
    return this.characters[this.at + ahead];
  }

  /** Steps over the expected characters if they come next. */
  private take(expected: string): boolean {
    if (![...expected].every((character, i) => this.peek(i) === character)) return false;
    this.at += expected.length;
    return true;
  }

  private refuse(feature: string, index = this.at): never {
    throw new PatternError(this.pattern, index, feature);
  }

  private sequence(): Expression {
    const parts: Expression[] = [];
    for (let next = this.peek(); next !== undefined && !'|)$'.includes(next); next = this.peek())
      parts.push(this.quantified(this.atom()));
    return sequence(...parts);
  }

  private atom(): Expression {
    const start = this.at;
    const character = this.characters[this.at++];
    switch (character) {
      case '.':
        return characters(...complement(lineEnds));
      case '[':
        return this.characterClass();
      case '(':
        return this.group();
      case '\\':
        return characters(...this.escape('a pattern'));
      case '^':
        return this.refuse('an anchor elsewhere than at an end', start);
      case '*':
      case '+':
      case '?':
      case '{':
        return this.refuse('a quantifier of nothing', start);
      case ']':
      case '}':
        return this.refuse(`an unescaped ${character}`, start);
      default:
        return characters(one(character));
    }
  }

  private group(): Expression {
    const start = this.at - 1;
    if (!this.take('?:')) {
      const refused = groupNames.find(([prefix]) => this.take(prefix));
      if (refused !== undefined) this.refuse(refused[1], start);
    }
    if (++this.nesting > MAX_NESTING) this.refuse(`groups more than ${MAX_NESTING} deep`, start);
    const options = [this.sequence()];
    while (this.take('|')) options.push(this.sequence());
    this.nesting--;
    if (this.peek() === '$') this.refuse('an anchor elsewhere than at an end');
    if (!this.take(')')) this.refuse('a ( without its )', start);
    return choice(...options);
  }

  private quantified(of: Expression): Expression {
    const start = this.at;
    const bounds = this.quantifier();
    if (bounds === undefined) return of;
    if (bounds.max < bounds.min) this.refuse('a quantifier out of order', start);
    if (this.peek() === '?') this.refuse('a lazy quantifier', start);
    return repeat(of, bounds.min, bounds.max);
  }

  private quantifier(): { readonly min: number; readonly max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.take('?')) return { min: 0, max: 1 };
    if (this.peek() !== '{') return undefined;
    const rest = this.characters.slice(this.at, this.at + 40).join('');
    const match = /^\{(\d+)(,(\d*))?\}/.exec(rest);
    if (match === null) return this.refuse('an unescaped {');
    this.at += match[0].length;
    const [, min, comma, max] = match;
    if (comma === undefined) return { min: Number(min), max: Number(min) };
    return { min: Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) };
  }

  private characterClass(): Expression {
    const start = this.at - 1;
    const negated = this.take('^');
    const ranges: CodePointRange[] = [];
    while (!this.take(']')) {
      const low = this.classMember(start);
      if (this.peek() !== '-' || this.peek(1) === ']') {
        ranges.push(...low);
        continue;
      }
      this.at++;
      const high = this.classMember(start);
      if (low.length !== 1 || high.length !== 1 || low[0][0] !== low[0][1] || high[0][0] !== high[0][1])
        this.refuse('a range between classes', start);
      if (high[0][0] < low[0][0]) this.refuse('a range out of order', start);
      ranges.push([low[0][0], high[0][0]]);
    }
    return characters(...(negated ? complement(ranges) : ranges));
  }

  private classMember(start: number): readonly CodePointRange[] {
    const character = this.characters[this.at++];
    if (character === undefined) this.refuse('a [ without its ]', start);
    if (character !== '\\') return [one(character)];
    return this.take('-') ? [one('-')] : this.escape('a class');
  }

  /** What stands for itself or for a class after a backslash. */
  private escape(place: string): readonly CodePointRange[] {
    const start = this.at - 1;
    const character = this.characters[this.at++];
    if (character === undefined) return this.refuse('a \\ at its end', start);
    const ranges = classEscapes.get(character);
    if (ranges !== undefined) return ranges;
    const control = controlEscapes.get(character);
    if (control !== undefined) return [one(control)];
    if ('^$\\.*+?()[]{}|/'.includes(character)) return [one(character)];
    const rest = this.characters.slice(this.at, this.at + 12).join('');
    const form = character === 'x' ? /^([\da-f]{2})/i : /^([\da-f]{4}|\{([\da-f]{1,6})\})/i;
    const match = 'xu'.includes(character) ? form.exec(rest) : null;
    const value = match === null ? Number.NaN : Number.parseInt(match[2] ?? match[1], 16);
    if (match !== null && value <= LAST_CODE_POINT && !(value >= 0xd800 && value <= 0xdfff)) {
      this.at += match[0].length;
      return [[value, value]];
    }
    if (character === '0' && !/^\d/.test(rest)) return [[0, 0]];
    if (/[1-9k]/.test(character)) return this.refuse('a backreference', start);
    if (/[bB]/.test(character)) return this.refuse('a word boundary', start);
    if (/[pP]/.test(character)) return this.refuse('a Unicode property', start);
    return this.refuse(`the escape \\${character} in ${place}`, start);
  }
}
