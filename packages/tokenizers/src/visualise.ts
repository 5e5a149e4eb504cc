import type { EncodeOptions, Tokenizer } from './tokenizer.ts';

/**
 * What a token is, for a reader:
 * - `special`: a special token
 * - `byte`: part of a character, so that it cannot be shown alone
 * - `whitespace`, `digits`, `punctuation`: nothing else in it, but for a space before
 * - `word-start`: letters that begin a word; `continuation`: letters that go on with the word of the token before
 */
export type TokenKind =
  | 'special'
  | 'byte'
  | 'whitespace'
  | 'digits'
  | 'punctuation'
  | 'word-start'
  | 'continuation';

export interface VisualToken {
  readonly id: number;
  /** As the vocabulary spells it: `Ġthe`. */
  readonly token: string;
  /** The part of the text that it covers: ` the`. */
  readonly text: string;
  /** [start, end) of it in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly kind: TokenKind;
}

/** The tokens of a text with where they stand and what they are, to be shown. */
export function visualise(
  tokenizer: Pick<Tokenizer, 'encodeWithOffsets' | 'specialTokens'>,
  text: string,
  options: EncodeOptions = { allowedSpecial: 'all' },
): VisualToken[] {
  const { ids, tokens, offsets } = tokenizer.encodeWithOffsets(text, options);
  const special = new Set(tokenizer.specialTokens.values());
  return ids.map((id, i) => {
    const [start, end] = offsets[i]!;
    const overlaps = (other: readonly [number, number] | undefined) =>
      other !== undefined && other[0] < end && start < other[1];
    const partial = overlaps(offsets[i - 1]) || overlaps(offsets[i + 1]);
    const kind = special.has(id) ? 'special' : partial ? 'byte' : kindOf(text, start, end);
    return { id, token: tokens[i]!, text: text.slice(start, end), start, end, kind };
  });
}

const LETTER = /^[\p{L}\p{M}\p{N}]/u;
const LETTER_BEFORE = /[\p{L}\p{M}\p{N}]$/u;

function kindOf(text: string, start: number, end: number): TokenKind {
  const covered = text.slice(start, end);
  const body = covered.trim();
  if (body === '') return 'whitespace';
  if (/^\p{N}+$/u.test(body)) return 'digits';
  if (!/[\p{L}\p{M}\p{N}]/u.test(body)) return 'punctuation';
  // Two units hold any one character.
  const before = text.slice(Math.max(0, start - 2), start);
  return LETTER.test(covered) && LETTER_BEFORE.test(before) ? 'continuation' : 'word-start';
}

/** Background colours that black text can be read on, used in turn (256-colour codes, and the same as CSS). */
const COLOURS = [
  { ansi: 153, css: '#afd7ff' },
  { ansi: 157, css: '#afffaf' },
  { ansi: 223, css: '#ffd7af' },
  { ansi: 218, css: '#ffafd7' },
  { ansi: 229, css: '#ffffaf' },
] as const;

export interface AnsiOptions {
  /** Write the id behind each token. Default false. */
  readonly ids?: boolean;
}

/** Tokens for a terminal, each on a coloured ground; control characters are made visible. */
export function tokensToAnsi(tokens: readonly VisualToken[], { ids = false }: AnsiOptions = {}): string {
  return tokens
    .map(({ id, kind, token, text }, i) => {
      const ground = `\u001b[48;5;${COLOURS[i % COLOURS.length]!.ansi}m\u001b[38;5;16m`;
      const style = kind === 'special' ? '\u001b[1m' : '';
      // Line ends stay, behind the sign for them and outside the colour, which would run to the edge of the screen.
      const lineEnds = /\n+$/.exec(text)?.[0] ?? '';
      const number = ids ? `\u001b[0m\u001b[2m${id}` : '';
      return `${ground}${style}${visible(kind === 'byte' ? token : text)}${number}\u001b[0m${lineEnds}`;
    })
    .join('');
}

/**
 * Tokens as one HTML element with its styles inside, for any page: each a `<span>` with its id and kind as a tooltip.
 * The text is escaped.
 */
export function tokensToHtml(tokens: readonly VisualToken[]): string {
  const spans = tokens.map(({ id, kind, token, text }, i) => {
    const shown = escapeHtml(visible(kind === 'byte' ? token : text));
    const weight = kind === 'special' ? ';font-weight:bold' : '';
    const style = `background:${COLOURS[i % COLOURS.length]!.css}${weight}`;
    const title = escapeHtml(`${id} · ${kind} · ${visible(token)}`);
    const lineEnds = '<br>'.repeat(/\n*$/.exec(text)![0].length);
    return `<span style="${style}" title="${title}" data-id="${id}" data-kind="${kind}">${shown}</span>${lineEnds}`;
  });
  return `<div style="font-family:monospace;white-space:pre-wrap;color:#000;line-height:1.6">${spans.join('')}</div>`;
}

/** Control characters as the signs that Unicode has for them (U+2400 onwards): also what a terminal would obey. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
