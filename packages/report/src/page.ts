import { marked } from 'marked';
import { escapeMarkup } from './escape.ts';

/** A page from top to bottom. All of it but `html` and the Markdown of `prose` is plain text, and escaped. */
export interface Page {
  readonly title: string;
  /** A sentence below the title. */
  readonly lead: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: 'chapter'; readonly title: string }
  /** Markdown, ours and not a stranger's: HTML in it stays. */
  | { readonly kind: 'prose'; readonly markdown: string }
  | FormulaBlock
  | TableBlock
  | FigureBlock
  | SampleBlock;

/** Plain text such as `p_t = exp(z_t) / Σ_v exp(z_v)`: `_v`, `_{t+1}` and `^2`, `^{-1/2}` are set low and high. */
export interface FormulaBlock {
  readonly kind: 'formula';
  readonly text: string;
}

export interface TableBlock {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly string[];
  /** As many cells a row as there are columns. Numbers are set to the right, with the digits that they come with. */
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface FigureBlock {
  readonly kind: 'figure';
  readonly caption: string;
  /** SVG or HTML that is trusted: a chart, coloured tokens. */
  readonly html: string;
}

/** Text exactly as it is: what a model wrote, a piece of a corpus, code. */
export interface SampleBlock {
  readonly kind: 'sample';
  readonly caption: string;
  readonly text: string;
}

/**
 * A page as one HTML file that needs no network and runs no script: its policy forbids both. It follows the reader's light or
 * dark setting.
 */
export function renderPage({ title, lead, blocks }: Page): string {
  const chapters = blocks.filter((block) => block.kind === 'chapter');
  const contents = chapters.map(({ title }, i) => `<li><a href="#c${i + 1}">${escapeMarkup(title)}</a></li>`);
  let chapter = 0;
  const body = blocks.map((block) => {
    if (block.kind !== 'chapter') return renderBlock(block);
    chapter++;
    return `<h2 id="c${chapter}"><span class="number">${chapter}</span>${escapeMarkup(block.title)}</h2>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escapeMarkup(title)}</h1><p>${escapeMarkup(lead)}</p></header>
${contents.length > 1 ? `<nav><ol>${contents.join('')}</ol></nav>` : ''}
<main>
${body.join('\n')}
</main>
</body>
</html>
`;
}

function renderBlock(block: Exclude<Block, { kind: 'chapter' }>): string {
  switch (block.kind) {
    case 'prose':
      return marked.parse(block.markdown, { async: false }).trim();
    case 'formula':
      return `<p class="formula">${formula(block.text)}</p>`;
    case 'table':
      return table(block);
    case 'figure':
      return `<figure><div class="scroll">${block.html}</div>${caption(block)}</figure>`;
    case 'sample':
      return `<figure class="sample"><pre>${escapeMarkup(block.text)}</pre>${caption(block)}</figure>`;
  }
}

const caption = ({ caption }: { readonly caption: string }) =>
  `<figcaption>${marked.parseInline(caption, { async: false })}</figcaption>`;

function formula(text: string): string {
  return escapeMarkup(text)
    .replace(/_\{([^}]*)\}|_([\p{L}\p{N}]+)/gu, (_, group, single) => `<sub>${group ?? single}</sub>`)
    .replace(/\^\{([^}]*)\}|\^([\p{L}\p{N}]+)/gu, (_, group, single) => `<sup>${group ?? single}</sup>`)
    .replaceAll('\n', '<br>');
}

function table({ columns, rows, ...rest }: TableBlock): string {
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => NUMERIC.test(String(row[i]))));
  const long = columns.map((_, i) => rows.some((row) => String(row[i]).length > LONG));
  const cell = (tag: string, value: string | number, i: number) => {
    const kind = numeric[i] ? ' class="number"' : long[i] ? ' class="long"' : '';
    return `<${tag}${kind}>${escapeMarkup(String(value))}</${tag}>`;
  };
  const head = columns.map((column, i) => cell('th', column, i)).join('');
  const body = rows.map((row) => `<tr>${row.map((value, i) => cell('td', value, i)).join('')}</tr>`);
  return `<figure><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>${caption(rest)}</figure>`;
}

/** `1,234`, `-0.5`, `12 %`, `≤ 2.62`, `–` for nothing. */
const NUMERIC = /^([≤≥±<>~] ?)?[-−]?[\d.,]+( ?[%a-zA-Zµ/]+)?$|^–?$/;

/** A cell with more characters is a text, and its column gets room for one. */
const LONG = 40;

const STYLE = `
:root{--paper:#fbfaf6;--ink:#24262b;--dim:#686b73;--line:#dedbd1;--wash:#f2efe6;--accent:#2f5fa8}
@media(prefers-color-scheme:dark){:root{--paper:#17191d;--ink:#dcdad3;--dim:#9a9da6;--line:#33363d;--wash:#1f2227;--accent:#8db4ef}}
*{box-sizing:border-box}
body{margin:0 auto;padding:3.5rem 1.25rem 6rem;max-width:46rem;background:var(--paper);color:var(--ink);
font:1.09rem/1.62 "Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4","Liberation Serif",Georgia,serif;
font-variant-numeric:oldstyle-nums;-webkit-text-size-adjust:100%}
h1{font-size:2.3rem;line-height:1.15;margin:0 0 .6rem;letter-spacing:-.01em;text-wrap:balance}
header p{color:var(--dim);font-size:1.2rem;line-height:1.45;margin:0 0 2rem;font-style:italic}
h2{font-size:1.45rem;line-height:1.25;margin:3.4rem 0 .9rem;padding-top:1.1rem;border-top:1px solid var(--line);text-wrap:balance}
h2 .number{color:var(--accent);margin-right:.7em;font-variant-numeric:lining-nums}
h3{font-size:1.1rem;margin:2rem 0 .4rem}
p,ul,ol{margin:0 0 1rem}li{margin:.2rem 0}a{color:var(--accent);text-underline-offset:.15em}
nav{font:0.9rem/1.5 system-ui,sans-serif;background:var(--wash);border-radius:8px;padding:1rem 1.2rem;margin:0 0 2rem}
nav ol{columns:2;column-gap:2rem;margin:0;padding-left:1.4rem}nav li{break-inside:avoid}nav a{text-decoration:none;color:inherit}nav a:hover{color:var(--accent)}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.84em;font-variant-numeric:normal}
code{background:var(--wash);padding:.1em .3em;border-radius:4px}
pre{background:var(--wash);padding:.9rem 1.1rem;border-radius:8px;line-height:1.5;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
pre code{background:none;padding:0;font-size:1em}
.formula{text-align:center;font-size:1.16rem;font-style:italic;margin:1.3rem 0;font-variant-numeric:lining-nums;overflow-x:auto}
.formula sub,.formula sup{font-size:.68em;line-height:0}
figure{margin:1.7rem 0}figure svg{max-width:100%;height:auto;display:block;margin:0 auto}
.scroll{overflow-x:auto}.beside{display:flex;flex-wrap:wrap;gap:1rem;justify-content:center}.beside svg{margin:0}
figcaption{font:.88rem/1.5 system-ui,sans-serif;color:var(--dim);margin-top:.6rem}
.sample pre{border-left:3px solid var(--accent);border-radius:0 8px 8px 0}
table{border-collapse:collapse;width:100%;font:.9rem/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums lining-nums}
th{text-align:left;font-weight:600;border-bottom:2px solid var(--line);padding:.35rem .7rem .35rem 0;vertical-align:bottom}
td{border-bottom:1px solid var(--line);padding:.35rem .7rem .35rem 0;vertical-align:top;white-space:pre-wrap}
th.number,td.number{text-align:right}td.number{white-space:nowrap}
td.long{min-width:13rem;overflow-wrap:anywhere}
th:last-child,td:last-child{padding-right:0}
@media(min-width:60rem){figure{margin-left:-3rem;margin-right:-3rem}}
@media(max-width:36rem){body{padding-top:1.8rem;font-size:1rem}nav ol{columns:1}h1{font-size:1.8rem}td.long{min-width:9rem}.scroll>svg{min-width:28rem}}
@media print{body{max-width:none;background:none}nav{display:none}}
`.replaceAll('\n', '');
