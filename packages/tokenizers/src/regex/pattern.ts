import { ONIGURUMA_WORD } from '../pipeline/unicode.ts';
import { loopIsDeterministic } from './determinism.ts';
import type { FindMatches } from './find.ts';
import { BoundedMatcher } from './matcher.ts';
import { type Anchor, type Node, parsePattern } from './syntax.ts';

/**
 * Compiles an expression with the meaning that Oniguruma (Hugging Face's `tokenizers`) gives it: `\s` is Unicode's
 * White_Space, `\w` and `\b` know every script, `^` and `$` are per line, possessive and atomic groups do not give back.
 * Expressions that are safe from backtracking without end run as a JavaScript `RegExp`; the others, and those with
 * `\G`, on a matcher that counts its steps.
 *
 * @throws PatternError here where it cannot be parsed, and while matching where it backtracks without end
 */
export function compilePattern(pattern: string): FindMatches {
  const node = parsePattern(pattern);
  if (isSafe(node)) return matchesOf(new RegExp(emit(node), 'gv'));
  const matcher = new BoundedMatcher(pattern, node);
  return function* (text) {
    let from = 0;
    let lastEnd = -1;
    while (from <= text.length) {
      const match = matcher.search(text, from);
      if (!match) return;
      const [start, end] = match;
      // As in Rust's iterators, an empty match right after the last match is none.
      if (end > start || start !== lastEnd) yield match;
      lastEnd = end;
      from = end > start ? end : end + (text.codePointAt(end)! > 0xffff ? 2 : 1);
    }
  };
}

function matchesOf(expression: RegExp): FindMatches {
  return function* (text) {
    let lastEnd = -1;
    for (const match of text.matchAll(expression)) {
      const end = match.index + match[0].length;
      if (end > match.index || match.index !== lastEnd) yield [match.index, end];
      lastEnd = end;
    }
  };
}

/** The expression in JavaScript's syntax, for the `v` flag. */
function emit(root: Node): string {
  let atomics = 0;
  const write = (node: Node): string => {
    switch (node.kind) {
      case 'set':
        return node.source;
      case 'sequence':
        return node.items
          .map((item) => (item.kind === 'choice' ? `(?:${write(item)})` : write(item)))
          .join('');
      case 'choice':
        return node.options.map(write).join('|');
      case 'capture':
        return `(?<c${node.index}>${write(node.body)})`;
      case 'atomic': {
        // A lookahead does not give back: match inside it, then repeat what it captured.
        const name = `a${atomics++}`;
        return `(?:(?=(?<${name}>${write(node.body)}))\\k<${name}>)`;
      }
      case 'look':
        return `(?${node.behind ? '<' : ''}${node.negate ? '!' : '='}${write(node.body)})`;
      case 'repeat': {
        const bounds =
          node.max === Infinity
            ? (['*', '+'][node.min] ?? `{${node.min},}`)
            : node.min === 0 && node.max === 1
              ? '?'
              : `{${node.min},${node.max}}`;
        const body = node.body.kind === 'set' ? node.body.source : `(?:${write(node.body)})`;
        return `${body}${bounds}${node.lazy ? '?' : ''}`;
      }
      case 'reference':
        return `\\k<c${node.index}>`;
      case 'anchor':
        return ANCHOR_SOURCE[node.anchor];
    }
  };
  return write(root);
}

const W = `[${ONIGURUMA_WORD}]`;
const ANCHOR_SOURCE: Readonly<Record<Anchor, string>> = {
  'text-start': '(?<![^])',
  'text-end': '(?![^])',
  'last-line-end': '(?=\\n?(?![^]))',
  'line-start': '(?:(?<![^])|(?<=\\n)(?=[^]))',
  'line-end': '(?![^\\n])',
  'word-boundary': `(?:(?<=${W})(?!${W})|(?<!${W})(?=${W}))`,
  'not-word-boundary': `(?:(?<=${W})(?=${W})|(?<!${W})(?!${W}))`,
  'search-start': '',
};

/** Unbounded repetitions one after another, each able to give back to the next, before time grows too fast. */
const MAX_UNBOUNDED = 3;

/**
 * Whether time grows with at most a small power of the text's length: no long repetition of something that can itself
 * match in several ways, and few long repetitions in a row. `\G` is not JavaScript's.
 */
function isSafe(node: Node): boolean {
  const { safe, unbounded } = analyse(node);
  return safe && unbounded <= MAX_UNBOUNDED;
}

interface Analysis {
  readonly safe: boolean;
  /** The most unbounded repetitions in a row. */
  readonly unbounded: number;
  /** Whether a text may match in more than one way. */
  readonly ambiguous: boolean;
}

const PLAIN: Analysis = { safe: true, unbounded: 0, ambiguous: false };

function analyse(node: Node): Analysis {
  switch (node.kind) {
    case 'set':
      return PLAIN;
    case 'anchor':
      return { ...PLAIN, safe: node.anchor !== 'search-start' };
    case 'reference':
      return { ...PLAIN, safe: false };
    case 'capture':
      return analyse(node.body);
    case 'atomic':
      return { ...analyse(node.body), ambiguous: false };
    case 'look':
      return { ...analyse(node.body), ambiguous: false };
    case 'sequence': {
      const parts = node.items.map(analyse);
      return {
        safe: parts.every((part) => part.safe),
        unbounded: parts.reduce((sum, part) => sum + part.unbounded, 0),
        ambiguous: parts.some((part) => part.ambiguous),
      };
    }
    case 'choice': {
      const parts = node.options.map(analyse);
      return {
        safe: parts.every((part) => part.safe),
        unbounded: Math.max(...parts.map((part) => part.unbounded)),
        ambiguous: true,
      };
    }
    case 'repeat': {
      const body = analyse(node.body);
      const long = node.max > 16;
      return {
        safe: body.safe && !(long && body.ambiguous && !loopIsDeterministic(node.body)),
        unbounded: Math.max(body.unbounded, long ? 1 : 0),
        ambiguous: node.max !== node.min || body.ambiguous,
      };
    }
  }
}
