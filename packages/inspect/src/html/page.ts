/** What every page is told. */
export interface PageOptions {
  /** The heading of the page. */
  readonly title?: string;
}

/** What a page that shows a text is told. */
export interface TextPageOptions extends PageOptions {
  /**
   * The tokens of the text, one string each, such as the `text` of what `visualise(tokenizer, text)` in `@minigpt/tokenizers`
   * gives. They are escaped.
   */
  readonly tokens: readonly string[];
}

/** What a page that names other tokens too is told. */
export interface PredictionPageOptions extends TextPageOptions {
  /** The text of a token: `(id) => tokenizer.decode([id])`. */
  readonly decode: (id: number) => string;
}

const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1d21; --faint: #666c75; --line: #d8dce2;
  --more: #6cb2f5; --less: #f7a08f; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #15171b; --ink: #e8eaed; --faint: #9aa1ab; --line: #353a42; --more: #1d66a8; --less: #a8412f; }
}
body { margin: 1.5rem; background: var(--ground); color: var(--ink); font: 14px/1.4 system-ui, sans-serif; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; } p { max-width: 60rem; color: var(--faint); }
.scroll { overflow-x: auto; max-width: 100%; margin-bottom: 1rem; }
table { border-collapse: separate; border-spacing: 1px; font-size: 12px; }
th { font-weight: 600; text-align: left; white-space: nowrap; }
thead th { vertical-align: bottom; text-align: center; } tbody th { position: sticky; left: 0; background: var(--ground); padding-right: .6em; }
td { min-width: 2.6em; padding: .15em .35em; text-align: center; white-space: nowrap; }
.token { font-family: ui-monospace, monospace; }
td, .text span { background: color-mix(in srgb, var(--more) calc(var(--part, 0) * 100%), transparent); }
td.less { background: color-mix(in srgb, var(--less) calc(var(--part, 0) * 100%), transparent); }
td.hit { outline: 2px solid var(--ink); outline-offset: -2px; }
`;

/**
 * A whole HTML document that needs no network and runs no script: a policy in its head forbids both, whatever the tokens say.
 *
 * @param body is HTML, everything in it escaped already
 */
export function page(title: string, body: string, style = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * A token on one line, escaped: spaces and what cannot be seen, or would turn the line around, as signs. Half a character, as
 * byte-level tokenizers give, is U+FFFD.
 */
export function tokenHtml(token: string): string {
  return escapeHtml(visible(token).replaceAll(' ', '␣') || '∅');
}

/** Line ends, tabs and other control characters as signs for them, other invisible ones by their number. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    if (character === '\n') return '↵';
    if (character === '\t') return '⇥';
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return '␡';
    if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** A number between 0 and 1 for a style, short. */
export function part(value: number): string {
  return String(Number(Math.min(1, Math.max(0, value)).toFixed(3)));
}

/** Several predicted tokens for a tooltip, one a line; escaped. */
export function topHtml(
  top: readonly { readonly id: number; readonly logProbability: number }[],
  decode: (id: number) => string,
): string {
  return top
    .map(({ id, logProbability }) => `${percent(Math.exp(logProbability))} ${tokenHtml(decode(id))}`)
    .join('&#10;');
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
