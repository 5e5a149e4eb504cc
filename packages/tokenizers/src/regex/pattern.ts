import { ONIGURUMA_WORD } from '../pipeline/unicode.ts';
import { stepTest } from './cost.ts';
import type { FindMatches } from './find.ts';
import { BoundedMatcher } from './matcher.ts';
import { type Anchor, type Node, parsePattern } from './syntax.ts';

/**
 * Compiles an expression with the meaning that Oniguruma (Hugging Face's `tokenizers`) gives it: `\s` is Unicode's
 * White_Space, `\w` and `\b` know every script, `^` and `$` are per line, possessive and atomic groups do not give back.
 * It runs as a JavaScript `RegExp` on texts on which it cannot backtrack for long, else, and where it has `\G`, on a matcher
 * that counts its steps.
 *
 * @throws PatternError here where it cannot be parsed, and while matching where it backtracks without end
 */
export function compilePattern(pattern: string): FindMatches {
  const node = parsePattern(pattern);
  const takesFewSteps = stepTest(node);
  const native = takesFewSteps && matchesOf(new RegExp(emit(node), 'gv'));
  let matcher: BoundedMatcher | undefined;
  return (text) => {
    if (native && takesFewSteps(text)) return native(text);
    matcher ??= new BoundedMatcher(pattern, node);
    return matcher.matches(text);
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
