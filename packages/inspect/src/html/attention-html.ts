import type { HostTensor } from '@minigpt/core';
import type { AttentionMaps } from '../attention-maps.ts';
import { page, type TextPageOptions, tokenHtml } from './page.ts';

/** So many shades of a weight are told apart. */
const SHADES = 16;

const STYLE = `
.heads { display: grid; gap: 6px; align-items: center; justify-content: start; overflow-x: auto; }
.heads a { display: block; color: inherit; text-decoration: none; text-align: center; font-size: 11px; }
.map { display: block; border: 1px solid var(--line); }
path { fill: var(--weight); shape-rendering: crispEdges; }
:root { --weight: #1667b5; }
@media (prefers-color-scheme: dark) { :root { --weight: #74b9ff; } }
.detail { display: none; } .detail:target, .detail:only-of-type { display: block; }
.detail svg { display: block; overflow: visible; } .detail text { fill: var(--ink); font: 11px ui-monospace, monospace; }
.row { fill: transparent; } .row:hover { stroke: var(--ink); stroke-width: .04px; }
.frame { fill: none; stroke: var(--line); stroke-width: 1px; vector-effect: non-scaling-stroke; }
`;

/**
 * Attention maps as a page: a small picture of each head, layers from above; a click shows one large, with its tokens. Rows are
 * positions that look, columns those that are looked at. It needs no network and no script.
 */
export function attentionHtml(maps: AttentionMaps, { tokens, title = 'Attention' }: TextPageOptions): string {
  const columns = Math.max(...maps.map((heads) => heads.length));
  const rows = maps.map((heads, layer) => {
    const pictures = heads.map((map, head) => thumbnail(map, layer, head));
    const filled = [...pictures, ...Array<string>(columns - heads.length).fill('<span></span>')];
    return `<b>L${layer}</b>${filled.join('')}`;
  });
  const overview = `<div class="heads" style="grid-template-columns: auto repeat(${columns}, auto)">${rows.join('\n')}</div>`;
  const details = maps.flatMap((heads, layer) => heads.map((map, head) => detail(map, layer, head, tokens)));
  const explained =
    'Rows: positions that look; columns: those that are looked at. Follow a picture to see it large.';
  return page(title, `<p>${explained}</p>${overview}${details.join('\n')}`, STYLE);
}

function thumbnail(map: HostTensor, layer: number, head: number): string {
  const [t] = map.shape;
  return `<a href="#L${layer}H${head}"><svg class="map" width="72" height="72" viewBox="0 0 ${t} ${t}"><g id="map-${layer}-${head}">${shades(map)}</g></svg>H${head}</a>`;
}

function detail(map: HostTensor, layer: number, head: number, tokens: readonly string[]): string {
  const [t] = map.shape;
  const cell = Math.round(Math.min(26, Math.max(12, 620 / t)));
  const margin = 30 + 7 * Math.max(...tokens.map((token) => Math.min(16, [...token].length)));
  const size = t * cell;
  const labels = tokens.map((token, i) => {
    const middle = (i + 0.5) * cell;
    const label = shortened(token);
    return `<text x="-6" y="${middle}" text-anchor="end" dominant-baseline="central">${label}</text><text transform="translate(${middle} -6) rotate(-60)">${label}</text>`;
  });
  const rows = tokens.map(
    (_, query) =>
      `<rect class="row" y="${query}" width="${t}" height="1"><title>${strongest(map, query, tokens)}</title></rect>`,
  );
  return `<section class="detail" id="L${layer}H${head}"><h2>Layer ${layer}, head ${head}</h2>
<svg width="${margin + size + 60}" height="${margin + size}"><g transform="translate(${margin} ${margin - 10})">${labels.join('')}
<g transform="scale(${cell})"><use href="#map-${layer}-${head}"/><rect class="frame" width="${t}" height="${t}"/>${rows.join('')}</g></g></svg></section>`;
}

/** The weights as one path a shade: neighbours of one shade in a row are one stroke, and those below half a shade none. */
function shades({ shape: [t], data }: HostTensor): string {
  const paths = Array.from({ length: SHADES + 1 }, () => '');
  const shadeAt = (query: number, key: number) => Math.round(data[query * t + key] * SHADES);
  for (let query = 0; query < t; query++) {
    for (let key = 0; key < t; ) {
      const first = key;
      const shade = shadeAt(query, first);
      while (key < t && shadeAt(query, key) === shade) key++;
      paths[shade] += `M${first} ${query}h${key - first}v1h-${key - first}z`;
    }
  }
  return paths
    .map((path, shade) =>
      shade === 0 || path === '' ? '' : `<path fill-opacity="${shade / SHADES}" d="${path}"/>`,
    )
    .join('');
}

/** What a position looks at most, for a tooltip; escaped. */
function strongest({ shape: [t], data }: HostTensor, query: number, tokens: readonly string[]): string {
  const keys = Array.from({ length: query + 1 }, (_, key) => key)
    .sort((one, other) => data[query * t + other] - data[query * t + one])
    .slice(0, 4);
  const named = (position: number) => `${shortened(tokens[position])} (${position})`;
  return [
    `${named(query)} looks at`,
    ...keys.map((key) => `${data[query * t + key].toFixed(3)} ${named(key)}`),
  ].join('&#10;');
}

/** At most 16 characters of a token, escaped. */
function shortened(token: string): string {
  const characters = [...token];
  return tokenHtml(characters.length > 16 ? `${characters.slice(0, 15).join('')}…` : token);
}
