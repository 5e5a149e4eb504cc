import { UnknownComponentError } from '../errors.ts';
import { type CompilePattern, type FindMatches, literalPattern } from '../regex/find.ts';
import type { NormalizerSpec, PatternSpec } from '../tokenizer-json.ts';
import type { AlignedText, Rewriter } from './aligned-text.ts';
import { BYTE_TO_CHARACTER } from './byte-alphabet.ts';
import { unitsAt, WHITE_SPACE } from './unicode.ts';

/** Rewrites a text before it is split. */
export type Normalizer = (text: AlignedText) => AlignedText;

export function compileFind(pattern: PatternSpec, compile: CompilePattern): FindMatches {
  return 'String' in pattern ? literalPattern(pattern.String) : compile(pattern.Regex);
}

/** Further normalizers than those that BPE tokenizers use. */
export type MoreNormalizers = (spec: NormalizerSpec) => Normalizer | undefined;

/** @throws UnknownComponentError, PatternError, TokenizerFormatError */
export function compileNormalizer(
  spec: NormalizerSpec,
  compile: CompilePattern,
  more?: MoreNormalizers,
): Normalizer {
  switch (spec.type) {
    case 'Sequence': {
      const steps = spec.normalizers.map((step) => compileNormalizer(step, compile, more));
      return (text) => steps.reduce((current, step) => step(current), text);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return unicodeForm(spec.type);
    case 'Lowercase':
      return lowercase;
    case 'Strip':
      return strip(spec.strip_left ?? true, spec.strip_right ?? true);
    case 'Prepend':
      return (text) =>
        text.text === ''
          ? text
          : text.rewrite((out) => {
              out.put(spec.prepend, 0, unitsAt(text.text, 0));
              out.keep(0, text.text.length);
            });
    case 'Replace':
      return replace(compileFind(spec.pattern, compile), spec.content);
    case 'ByteLevel':
      return (text) => text.rewrite((out) => spellBytes(text.text, out));
    default: {
      const found = more?.(spec);
      if (found) return found;
      throw new UnknownComponentError('normalizer', spec.type, 'there is no normalizer of that name here.');
    }
  }
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** Writes each character as the byte alphabet spells its UTF-8. */
export function spellBytes(text: string, out: Rewriter): void {
  for (let at = 0; at < text.length; ) {
    const end = at + unitsAt(text, at);
    for (const byte of encoder.encode(text.slice(at, end))) out.put(BYTE_TO_CHARACTER[byte]!, at, end);
    at = end;
  }
}

/** Maps each character that `changes` finds; the others stay. */
export function perCharacter(map: (character: string) => string, changes: RegExp): Normalizer {
  const all = new RegExp(changes, 'gu');
  return (text) => {
    if (!changes.test(text.text)) return text;
    return text.rewrite((out) => {
      let at = 0;
      for (const match of text.text.matchAll(all)) {
        out.keep(at, match.index);
        at = match.index + match[0].length;
        out.put(map(match[0]), match.index, at);
      }
      out.keep(at, text.text.length);
    });
  };
}

/** A character, and what may combine with it: composition never crosses these pieces, save for Hangul. */
const COMBINING_SEQUENCE = /[^\p{M}\u1160-\u11ff\uff9e\uff9f][\p{M}\u1160-\u11ff\uff9e\uff9f]*|[\s\S]/gu;

export function unicodeForm(form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): Normalizer {
  return (text) => {
    const source = text.text;
    if (source.normalize(form) === source) return text;
    return text.rewrite((out) => {
      for (const match of source.matchAll(COMBINING_SEQUENCE)) {
        const piece = match[0];
        const at = match.index;
        const normal = piece.normalize(form);
        if (normal === piece) out.keep(at, at + piece.length);
        else alignForm(piece, normal, at, out);
      }
    });
  };
}

/**
 * What both end in comes from itself. Before that, the i-th character of the normal form comes from the i-th of the
 * sequence; if there are more than it has, from its last.
 */
function alignForm(piece: string, normal: string, at: number, out: Rewriter): void {
  let same = 0;
  while (same < normal.length - 1 && same < piece.length - 1 && piece.at(-same - 1) === normal.at(-same - 1))
    same++;
  const tail = at + piece.length - same;
  const characters = [...piece.slice(0, piece.length - same)];
  let from = at;
  let index = 0;
  for (const character of normal.slice(0, normal.length - same)) {
    const source = characters[Math.min(index, characters.length - 1)]!;
    out.put(character, from, from + source.length);
    if (++index < characters.length) from += source.length;
  }
  out.keep(tail, at + piece.length);
}

const LEADING_SPACE = new RegExp(`^[${WHITE_SPACE}]+`, 'v');
const TRAILING_SPACE = new RegExp(`[${WHITE_SPACE}]$`, 'v');

function strip(left: boolean, right: boolean): Normalizer {
  return (text) => {
    const start = left ? (LEADING_SPACE.exec(text.text)?.[0].length ?? 0) : 0;
    let end = text.text.length;
    while (right && end > start && TRAILING_SPACE.test(text.text[end - 1]!)) end--;
    return text.slice(start, end);
  };
}

function replace(find: FindMatches, content: string): Normalizer {
  return (text) => {
    const matches = [...find(text.text)];
    if (matches.length === 0) return text;
    return text.rewrite((out) => {
      let at = 0;
      for (const [start, end] of matches) {
        out.keep(at, start);
        out.put(content, Math.max(start, end - 1), end);
        at = end;
      }
      out.keep(at, text.text.length);
    });
  };
}

export const lowercase: Normalizer = /* @__PURE__ */ perCharacter(
  (character) => character.toLowerCase(),
  /\p{Changes_When_Lowercased}/u,
);
