import { escapeMarkup } from '../escape.ts';

/** A chart as text, and what to say to those who do not see it. */
export interface SvgOptions {
  readonly width: number;
  readonly height: number;
  /** Read out in place of the picture. */
  readonly title: string;
  readonly body: string;
}

/** How many colours there are for series; they are used in turn. */
export const SERIES_COLORS = 6;

/**
 * The one style of all charts. It follows the reader's light or dark setting, alone in an `<img>` as well as within a page.
 */
const STYLE = `
.chart{--ink:#2b2d33;--dim:#6b6f78;--grid:#e4e4e0;--s0:#2f5fa8;--s1:#d1495b;--s2:#3c8c5a;--s3:#b7791f;--s4:#7a5195;--s5:#00838f;
font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
@media(prefers-color-scheme:dark){.chart{--ink:#e3e2dd;--dim:#a2a5ad;--grid:#3a3d45;--s0:#7fa9e8;--s1:#f0808d;--s2:#7cc79a;--s3:#e6b450;--s4:#c3a1dd;--s5:#5fc9d3}}
.chart .dim{fill:var(--dim)}.chart .grid{stroke:var(--grid)}.chart .title{font-size:15px;font-weight:600}
${Array.from({ length: SERIES_COLORS }, (_, i) => `.chart .l${i}{stroke:var(--s${i});fill:none}.chart .f${i}{fill:var(--s${i})}`).join('')}
`.replaceAll('\n', '');

/** A self-contained SVG document of that size, which may also stand inside an HTML page. */
export function svgDocument({ width, height, title, body }: SvgOptions): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${escapeMarkup(title)}</title><style>${STYLE}</style>
${body}
</svg>
`;
}

/** A coordinate with one decimal: finer than any screen shows. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
