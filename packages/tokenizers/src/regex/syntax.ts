import { PatternError } from '../errors.ts';
import { ONIGURUMA_WORD, WHITE_SPACE, WORD_CHARACTER } from '../pipeline/unicode.ts';

/** A parsed expression of Oniguruma's Ruby syntax, the part of it that tokenizers use. */
export type Node =
  /** One character of a set, given as a JavaScript class for the `v` flag: `[…]` or `[^…]`. */
  | {
      readonly kind: 'set';
      readonly source: string /** Of a literal whose case is ignored. */;
      readonly folded?: string;
    }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'capture'; readonly index: number; readonly body: Node }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negate: boolean; readonly body: Node }
  | {
      readonly kind: 'repeat';
      readonly body: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | { readonly kind: 'reference'; readonly index: number }
  | { readonly kind: 'anchor'; readonly anchor: Anchor };

/** `^ $ \A \z \Z \b \B \G` by what they assert. */
export type Anchor =
  | 'line-start'
  | 'line-end'
  | 'text-start'
  | 'text-end'
  | 'last-line-end'
  | 'word-boundary'
  | 'not-word-boundary'
  | 'search-start';

const HEX = '0-9A-Fa-f';
/** Nested deeper than this an expression is an attack, not a pattern. */
const MAX_DEPTH = 100;
const MAX_REPEAT = 100_000;

const POSIX: Readonly<Record<string, string>> = {
  alnum: '\\p{Alphabetic}\\p{Nd}',
  alpha: '\\p{Alphabetic}',
  ascii: '\\x00-\\x7f',
  blank: '\\t\\p{Zs}',
  cntrl: '\\p{Cc}',
  digit: '\\p{Nd}',
  lower: '\\p{Lowercase}',
  punct: '\\p{P}\\p{S}',
  space: WHITE_SPACE,
  upper: '\\p{Uppercase}',
  word: ONIGURUMA_WORD,
  xdigit: HEX,
};

const ESCAPED_CHARACTERS: Readonly<Record<string, number>> = {
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  a: 7,
  e: 27,
};

/** Parses an expression. @throws PatternError */
export function parsePattern(pattern: string): Node {
  const characters = [...pattern];
  let at = 0;
  let captures = 0;
  let depth = 0;

  const fail = (reason: string): never => {
    throw new PatternError(pattern, `${reason} at character ${at}.`);
  };
  const peek = (text: string) => characters.slice(at, at + text.length).join('') === text;
  const take = (text: string) => {
    if (!peek(text)) return false;
    at += text.length;
    return true;
  };
  const takeUntil = (end: string): string => {
    const close = characters.indexOf(end, at);
    if (close < 0) return fail(`missing ${end}`);
    const body = characters.slice(at, close).join('');
    at = close + 1;
    return body;
  };

  function choice(ignoreCase: boolean): Node {
    if (++depth > MAX_DEPTH) fail('groups nested too deep');
    const options = [sequence(ignoreCase)];
    while (take('|')) options.push(sequence(ignoreCase));
    depth--;
    return options.length === 1 ? options[0]! : { kind: 'choice', options };
  }

  function sequence(ignoreCase: boolean): Node {
    const items: Node[] = [];
    while (at < characters.length && !peek('|') && !peek(')')) {
      const flags = /^\(\?([imx-]+)\)/.exec(characters.slice(at, at + 8).join(''));
      if (flags) {
        // Flags without a colon hold to the end of the group, alternatives included.
        at += flags[0].length;
        items.push(choice(readFlags(flags[1]!, ignoreCase)));
      } else {
        items.push(quantified(atom(ignoreCase)));
      }
    }
    const joined = ignoreCase ? joinFolded(items) : items;
    return joined.length === 1 ? joined[0]! : { kind: 'sequence', items: joined };
  }

  function readFlags(flags: string, ignoreCase: boolean): boolean {
    const [on, off = ''] = flags.split('-');
    if (/[mx]/.test(on!)) fail(`the flags ${JSON.stringify(flags)} are not supported`);
    return off.includes('i') ? false : on!.includes('i') || ignoreCase;
  }

  function quantified(body: Node): Node {
    let node = body;
    for (;;) {
      const bounds = quantifier();
      if (!bounds) return node;
      node = { kind: 'repeat', body: node, min: bounds.min, max: bounds.max, lazy: take('?') };
      // In this syntax a plus makes only `?+ *+ ++` possessive: `{3}+` is a repetition of `{3}`.
      if (!bounds.interval && !node.lazy && take('+')) node = { kind: 'atomic', body: node };
    }
  }

  function quantifier(): { min: number; max: number; interval: boolean } | undefined {
    if (take('*')) return { min: 0, max: Infinity, interval: false };
    if (take('+')) return { min: 1, max: Infinity, interval: false };
    if (take('?')) return { min: 0, max: 1, interval: false };
    const braces = /^\{(?:(\d+)(?:(,)(\d*))?|,(\d+))\}/.exec(characters.slice(at, at + 24).join(''));
    if (!braces) return undefined;
    at += braces[0].length;
    const [, least, comma, most, onlyMost] = braces;
    const min = Number(least ?? 0);
    const max = onlyMost ? Number(onlyMost) : !comma ? min : most ? Number(most) : Infinity;
    if (max < min || min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
      fail(`bad repeat ${braces[0]}`);
    return { min, max, interval: true };
  }

  function atom(ignoreCase: boolean): Node {
    const character = characters[at++]!;
    switch (character) {
      case '(':
        return group(ignoreCase);
      case '[':
        return { kind: 'set', source: fold(characterClass(), ignoreCase) };
      case '.':
        return { kind: 'set', source: '[^\\n]' };
      case '^':
        return { kind: 'anchor', anchor: 'line-start' };
      case '$':
        return { kind: 'anchor', anchor: 'line-end' };
      case '\\':
        return escaped(ignoreCase);
      case '*':
      case '+':
      case '?':
        return fail('nothing to repeat');
      default:
        return literal(character.codePointAt(0)!, ignoreCase);
    }
  }

  function group(ignoreCase: boolean): Node {
    let wrap = (body: Node): Node => body;
    let inside = ignoreCase;
    if (take('?')) {
      if (take(':')) wrap = (body) => body;
      else if (take('>')) wrap = (body) => ({ kind: 'atomic', body });
      else if (take('=')) wrap = (body) => ({ kind: 'look', behind: false, negate: false, body });
      else if (take('!')) wrap = (body) => ({ kind: 'look', behind: false, negate: true, body });
      else if (take('<=')) wrap = (body) => ({ kind: 'look', behind: true, negate: false, body });
      else if (take('<!')) wrap = (body) => ({ kind: 'look', behind: true, negate: true, body });
      else if (take('#')) {
        takeUntil(')');
        return { kind: 'sequence', items: [] };
      } else if (take('<') || take('P<')) {
        takeUntil('>');
        const index = ++captures;
        wrap = (body) => ({ kind: 'capture', index, body });
      } else inside = readFlags(takeUntil(':'), ignoreCase);
    } else {
      const index = ++captures;
      wrap = (body) => ({ kind: 'capture', index, body });
    }
    const body = choice(inside);
    if (!take(')')) fail('missing )');
    return wrap(body);
  }

  function escaped(ignoreCase: boolean): Node {
    const character = characters[at];
    if (character === undefined) return fail('a backslash with nothing after it');
    const anchor = ANCHORS[character];
    if (anchor) {
      at++;
      return { kind: 'anchor', anchor };
    }
    if (/[1-9]/.test(character)) {
      at++;
      return { kind: 'reference', index: Number(character) };
    }
    if (character === 'R') {
      at++;
      return parsePattern('(?>\\r\\n|[\\n-\\r\\u0085\\u2028\\u2029])');
    }
    const set = classEscape();
    if (set) return { kind: 'set', source: `[${set}]` };
    return literal(codePointEscape(), ignoreCase);
  }

  /** `\s \p{L} …` as the body of a class, or undefined where the escape is of one character. */
  function classEscape(): string | undefined {
    const character = characters[at]!;
    const shorthand = SHORTHANDS[character.toLowerCase()];
    if (shorthand) {
      at++;
      return character === character.toLowerCase() ? shorthand : `[^${shorthand}]`;
    }
    if (character !== 'p' && character !== 'P') return undefined;
    at++;
    let negate = character === 'P';
    let name: string;
    if (take('{')) name = takeUntil('}');
    else name = characters[at++] ?? fail('missing property name');
    if (name.startsWith('^')) {
      negate = !negate;
      name = name.slice(1);
    }
    const body = property(name) ?? fail(`unknown property ${JSON.stringify(name)}`);
    return negate ? `[^${body}]` : body;
  }

  function codePointEscape(): number {
    const character = characters[at++]!;
    if (character in ESCAPED_CHARACTERS) return ESCAPED_CHARACTERS[character]!;
    if (character === 'x' && take('{')) return hex(takeUntil('}'));
    if (character === 'u' && take('{')) return hex(takeUntil('}'));
    if (character === 'x' || character === 'u') {
      const digits = new RegExp(`^[${HEX}]{${character === 'x' ? '1,2' : '4'}}`).exec(
        characters.slice(at, at + 4).join(''),
      );
      if (!digits) return fail(`bad \\${character}`);
      at += digits[0].length;
      return hex(digits[0]);
    }
    if (character === '0') return 0;
    if (UNSUPPORTED_ESCAPES.test(character)) return fail(`unsupported escape \\${character}`);
    return character.codePointAt(0)!;
  }

  function hex(digits: string): number {
    const code = Number.parseInt(digits, 16);
    return code <= 0x10ffff ? code : fail(`bad code point ${digits}`);
  }

  /** After `[`: the whole class as a JavaScript class. */
  function characterClass(): string {
    if (++depth > MAX_DEPTH) fail('classes nested too deep');
    const negate = take('^');
    const parts: string[] = [''];
    let first = true;
    for (;;) {
      if (at >= characters.length) fail('missing ]');
      if (!first && take(']')) break;
      if (take('&&')) {
        parts.push('');
        first = true;
        continue;
      }
      parts[parts.length - 1] += classItem();
      first = false;
    }
    depth--;
    const body = parts.length === 1 ? parts[0]! : parts.map((part) => `[${part}]`).join('&&');
    return `[${negate ? '^' : ''}${body}]`;
  }

  function classItem(): string {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(characters.slice(at, at + 12).join(''));
    if (posix) {
      at += posix[0].length;
      const body = POSIX[posix[2]!] ?? fail(`unknown class ${posix[0]}`);
      return posix[1] ? `[^${body}]` : body;
    }
    if (take('[')) return characterClass();
    const low = classCharacter();
    if (typeof low === 'string') return low;
    if (!peek('-') || characters[at + 1] === ']' || characters[at + 1] === undefined) return code(low);
    const dash = at++;
    const high = peek('[') ? '' : classCharacter();
    if (typeof high === 'string') {
      at = dash;
      return code(low);
    }
    if (high < low) fail('range out of order');
    return `${code(low)}-${code(high)}`;
  }

  function classCharacter(): string | number {
    if (!take('\\')) return characters[at++]!.codePointAt(0)!;
    if (characters[at] === undefined) return fail('a backslash with nothing after it');
    if (take('b')) return 8;
    // Oniguruma's [\W] has Latin-1's superscripts and fractions, though its \w has them too.
    if (take('W')) return `[^${WORD_CHARACTER}]`;
    return classEscape() ?? codePointEscape();
  }

  const root = choice(false);
  if (at < characters.length) fail('unmatched )');
  return root;
}

const ANCHORS: Readonly<Record<string, Anchor>> = {
  A: 'text-start',
  z: 'text-end',
  Z: 'last-line-end',
  b: 'word-boundary',
  B: 'not-word-boundary',
  G: 'search-start',
};

const SHORTHANDS: Readonly<Record<string, string>> = {
  s: WHITE_SPACE,
  d: '\\p{Nd}',
  w: ONIGURUMA_WORD,
  h: HEX,
};

/** Control and meta characters, named references and calls, `\K`, grapheme clusters: no tokenizer uses them. */
const UNSUPPORTED_ESCAPES = /[CKMNOXYcgky]/;

function literal(codePoint: number, ignoreCase: boolean): Node {
  const set: Node = { kind: 'set', source: fold(`[${code(codePoint)}]`, ignoreCase) };
  if (!ignoreCase) return set;
  const folded = fullFold(String.fromCodePoint(codePoint));
  const characters = [...folded];
  if (characters.length === 1) return { ...set, folded };
  const items = characters.map((character) => literal(character.codePointAt(0)!, true));
  return { kind: 'choice', options: [set, { kind: 'sequence', items }] };
}

/** Unicode's full case folding of a character, `ss` for `ß`. */
function fullFold(character: string): string {
  return character.toLowerCase().toUpperCase().toLowerCase();
}

/**
 * Literals whose case is ignored and which together are the folding of one character match that character too, as in
 * Oniguruma: the leftmost first, of these the longest.
 */
function joinFolded(items: readonly Node[]): Node[] {
  const joined: Node[] = [];
  for (let at = 0; at < items.length; ) {
    const length = [3, 2].find((count) => foldings().has(foldedText(items.slice(at, at + count)))) ?? 1;
    const part = items.slice(at, at + length);
    const one: Node = { kind: 'set', source: `[${foldings().get(foldedText(part))}]` };
    joined.push(
      length === 1 ? part[0]! : { kind: 'choice', options: [one, { kind: 'sequence', items: part }] },
    );
    at += length;
  }
  return joined;
}

function foldedText(items: readonly Node[]): string {
  return items.map((item) => (item.kind === 'set' ? (item.folded ?? ' ') : ' ')).join('');
}

let foldingsOfOne: Map<string, string> | undefined;
/** For each folding of more than one character, the characters that have it, as the body of a class. */
function foldings(): ReadonlyMap<string, string> {
  if (!foldingsOfOne) {
    foldingsOfOne = new Map();
    for (const character of casedCharacters()) {
      const folded = fullFold(character);
      if ([...folded].length === 1) continue;
      foldingsOfOne.set(folded, (foldingsOfOne.get(folded) ?? '') + code(character.codePointAt(0)!));
    }
  }
  return foldingsOfOne;
}

function code(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

function property(name: string): string | undefined {
  const plain = name.replace(/[ _-]/g, '').toLowerCase();
  if (POSIX[plain]) return POSIX[plain];
  if (plain === 'any') return '\\u{0}-\\u{10ffff}';
  for (const candidate of [
    `\\p{${name}}`,
    `\\p{Script=${name}}`,
    `\\p{${name[0]?.toUpperCase()}${name.slice(1).toLowerCase()}}`,
  ]) {
    try {
      new RegExp(`[${candidate}]`, 'v');
      return candidate;
    } catch {
      // Not a property of this spelling: try the next.
    }
  }
  return undefined;
}

/** The class as it is where case is ignored (Unicode's simple case folding). */
function fold(source: string, ignoreCase: boolean): string {
  if (!ignoreCase) return source;
  const folded = new RegExp(source, 'iv');
  const exact = new RegExp(source, 'v');
  let added = '';
  let removed = '';
  for (const character of casedCharacters()) {
    const matches = folded.test(character);
    if (matches === exact.test(character)) continue;
    if (matches) added += code(character.codePointAt(0)!);
    else removed += code(character.codePointAt(0)!);
  }
  const grown = added ? `[${source}${added}]` : source;
  return removed ? `[${grown}--[${removed}]]` : grown;
}

let cased: readonly string[] | undefined;
function casedCharacters(): readonly string[] {
  if (!cased) {
    const found: string[] = [];
    for (let point = 0; point < 0x1f000; point++) {
      if (point === 0xd800) point = 0xe000;
      const character = String.fromCodePoint(point);
      if (character.toLowerCase() !== character || character.toUpperCase() !== character)
        found.push(character);
    }
    cased = found;
  }
  return cased;
}
