import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import { type CompilePattern, type FindMatches, literalPattern } from '../regex/find.ts';
import type { Scanner } from '../scan/scanner.ts';
import { gpt2Scanner } from '../scan/scanners.ts';
import { WordReader } from '../scan/word-reader.ts';
import type { MetaspaceSpec, PreTokenizerSpec, SplitBehavior } from '../tokenizer-json.ts';
import type { AlignedText } from './aligned-text.ts';
import { compileFind, spellBytes } from './normalizer.ts';
import { unitsAt, WHITE_SPACE, WORD_CHARACTER } from './unicode.ts';

/** Splits a piece of text into pieces. Empty pieces are dropped by the caller. */
export type PreTokenizer = (piece: AlignedText) => AlignedText[];

/**
 * With `spells` false, a `ByteLevel` at the end splits but leaves the text as it is, for a model that works on bytes.
 *
 * @throws UnknownComponentError, PatternError, TokenizerFormatError
 */
export function compilePreTokenizer(
  spec: PreTokenizerSpec,
  compile: CompilePattern,
  spells = true,
): PreTokenizer {
  switch (spec.type) {
    case 'Sequence': {
      const steps = spec.pretokenizers.map((step, i, all) =>
        compilePreTokenizer(step, compile, spells || i < all.length - 1),
      );
      return (piece) =>
        steps.reduce<AlignedText[]>((pieces, step) => pieces.filter(isNotEmpty).flatMap(step), [piece]);
    }
    case 'ByteLevel': {
      const split = (spec.use_regex ?? true) ? scanned(gpt2Scanner(false)) : (p: AlignedText) => [p];
      const addSpace = spec.add_prefix_space ?? true;
      return (piece) => {
        const parts = split(addSpace ? withPrefix(piece, ' ') : piece);
        return spells ? parts.map((part) => part.rewrite((out) => spellBytes(part.text, out))) : parts;
      };
    }
    case 'Split':
      return splitter(compileFind(spec.pattern, compile), spec.behavior, spec.invert);
    case 'Digits':
      return splitter(charactersOf(spec.individual_digits ? '\\p{N}' : '\\p{N}+'), 'Isolated', false);
    case 'Punctuation':
      return splitter(charactersOf(`[${PUNCTUATION}]`), spec.behavior ?? 'Isolated', false);
    case 'Whitespace':
      return splitter(
        charactersOf(
          `[${WORD_CHARACTER}\\p{Join_Control}]+|[^${WORD_CHARACTER}\\p{Join_Control}${WHITE_SPACE}]+`,
        ),
        'Removed',
        true,
      );
    case 'WhitespaceSplit':
      return splitter(charactersOf(`[${WHITE_SPACE}]`), 'Removed', false);
    case 'BertPreTokenizer': {
      const bySpace = splitter(charactersOf(`[${WHITE_SPACE}]`), 'Removed', false);
      const byPunctuation = splitter(charactersOf(`[${PUNCTUATION}]`), 'Isolated', false);
      return (piece) => bySpace(piece).filter(isNotEmpty).flatMap(byPunctuation);
    }
    case 'CharDelimiterSplit':
      return splitter(literalPattern(spec.delimiter), 'Removed', false);
    case 'Metaspace':
      return metaspace(spec);
    case 'FixedLength':
      return fixedLength(spec.length);
    default: {
      const unknown: { type: string } = spec;
      throw new UnknownComponentError(
        'pre_tokenizer',
        unknown.type,
        'this package has no pre-tokenizer of that name.',
      );
    }
  }
}

/** ASCII punctuation and symbols, and Unicode's punctuation. */
const PUNCTUATION = '!-\\/:-@\\[-`\\{-~\\p{P}';

const isNotEmpty = (piece: AlignedText) => piece.text !== '';

function charactersOf(source: string): FindMatches {
  const expression = new RegExp(source, 'gv');
  return function* (text) {
    for (const match of text.matchAll(expression)) yield [match.index, match.index + match[0].length];
  };
}

/** Cuts as a scanner does. */
export function scanned(scanner: Scanner): PreTokenizer {
  const reader = new WordReader(scanner);
  return (piece) => {
    const pieces: AlignedText[] = [];
    reader.readUnits(piece.text, (start, end) => pieces.push(piece.slice(start, end)));
    return pieces;
  };
}

function withPrefix(piece: AlignedText, prefix: string): AlignedText {
  if (piece.text === '' || piece.text.startsWith(prefix)) return piece;
  return piece.rewrite((out) => {
    out.put(prefix, 0, unitsAt(piece.text, 0));
    out.keep(0, piece.text.length);
  });
}

/** How Metaspace is to begin a text: older files say it with a flag. */
export function prependScheme(spec: MetaspaceSpec): 'always' | 'never' | 'first' {
  return spec.prepend_scheme ?? ((spec.add_prefix_space ?? true) ? 'always' : 'never');
}

function metaspace(spec: MetaspaceSpec): PreTokenizer {
  const { replacement, split = true } = spec;
  const scheme = prependScheme(spec);
  const divide = splitter(literalPattern(replacement), 'MergedWithNext', false);
  return (piece) => {
    const marked = piece.replace(/ /g, replacement);
    const begun =
      scheme === 'always' || (scheme === 'first' && piece.atStart) ? withPrefix(marked, replacement) : marked;
    return split ? divide(begun) : [begun];
  };
}

function fixedLength(length: number): PreTokenizer {
  if (!Number.isInteger(length) || length < 1) {
    throw new TokenizerFormatError(
      'tokenizer.json',
      `FixedLength has the length ${length}; it must be positive.`,
    );
  }
  return (piece) => {
    const pieces: AlignedText[] = [];
    let start = 0;
    let characters = 0;
    for (let at = 0; at < piece.text.length; ) {
      at += unitsAt(piece.text, at);
      if (++characters % length === 0 || at === piece.text.length) {
        pieces.push(piece.slice(start, at));
        start = at;
      }
    }
    return pieces;
  };
}

const BEHAVIORS: readonly SplitBehavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

interface Span {
  start: number;
  end: number;
  readonly isMatch: boolean;
}

/** `tokenizers`' split: the matches (with `invert`, what lies between them) are treated as `behavior` says. */
function splitter(find: FindMatches, behavior: SplitBehavior, invert: boolean): PreTokenizer {
  if (!BEHAVIORS.includes(behavior)) {
    throw new UnknownComponentError(
      'pre_tokenizer',
      `Split.behavior ${behavior}`,
      `it is one of ${BEHAVIORS.join(', ')}.`,
    );
  }
  return (piece) => {
    const spans: Span[] = [];
    let at = 0;
    for (const [start, end] of find(piece.text)) {
      if (start > at) spans.push({ start: at, end: start, isMatch: invert });
      if (end > start) spans.push({ start, end, isMatch: !invert });
      at = end;
    }
    if (at < piece.text.length) spans.push({ start: at, end: piece.text.length, isMatch: invert });
    return arrange(spans, behavior).map(({ start, end }) => piece.slice(start, end));
  };
}

function arrange(spans: readonly Span[], behavior: SplitBehavior): readonly Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter((span) => !span.isMatch);
    case 'Contiguous':
      return join(spans, (previous, span) => previous.isMatch === span.isMatch);
    case 'MergedWithPrevious':
      return join(spans, (previous, span) => span.isMatch && !previous.isMatch);
    case 'MergedWithNext':
      return join(spans, (previous, span) => previous.isMatch && !span.isMatch);
  }
}

/** Joins a span to the one before it where `belongs` says so; a joined span counts as its last part. */
function join(spans: readonly Span[], belongs: (previous: Span, span: Span) => boolean): Span[] {
  const joined: Span[] = [];
  for (const span of spans) {
    const previous = joined.at(-1);
    if (previous && belongs(previous, span)) joined[joined.length - 1] = { ...span, start: previous.start };
    else joined.push({ ...span });
  }
  return joined;
}
