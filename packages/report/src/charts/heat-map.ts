import { escapeMarkup } from '../escape.ts';
import { at, SERIES_COLORS, svgDocument } from './svg.ts';

export interface HeatMapOptions {
  readonly title: string;
  /** Above and beside the labels. */
  readonly xLabel?: string;
  readonly yLabel?: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Row-major, `rows.length · columns.length` numbers from 0 on. */
  readonly values: ArrayLike<number>;
  /** What is painted in full colour; the greatest value unless told. */
  readonly max?: number;
  readonly color?: number;
  /** Pixels a cell. Default: what makes the map 640 wide, at most 22. */
  readonly cell?: number;
}

const LEVELS = 24;
/** How wide a character of the title is, in pixels, at most on average. */
const TITLE_CHARACTER = 8.6;
/** The eye tells small values apart better this way: a cell shows the root of its share of the maximum. */
const GAMMA = 0.5;

/**
 * A table of numbers as cells whose strength grows with the root of the value, as a self-contained SVG. All cells of one
 * strength are one path, so that a table of 100 × 100 takes a few tens of kilobytes.
 */
export function heatMap({
  title,
  xLabel = '',
  yLabel = '',
  rows,
  columns,
  values,
  max = greatest(values),
  color = 0,
  cell = Math.min(22, 640 / columns.length),
}: HeatMapOptions): string {
  const longest = (labels: readonly string[]) =>
    labels.reduce((most, label) => Math.max(most, label.length), 0);
  const upright = longest(columns) <= 2;
  const font = Math.min(11, Math.max(5, cell * 0.85));
  const left = 14 + (yLabel === '' ? 0 : 18) + longest(rows) * font * 0.62;
  const top = 38 + (xLabel === '' ? 0 : 18) + (upright ? font : longest(columns) * font * 0.62);
  const width = Math.ceil(left + Math.max(columns.length * cell, title.length * TITLE_CHARACTER) + 12);
  const height = Math.ceil(top + rows.length * cell + 12);
  const labels = [
    ...columns.map((label, i) => {
      const x = at(left + (i + 0.5) * cell);
      const y = at(top - 5);
      const turn = upright ? 'text-anchor="middle"' : `transform="rotate(-90 ${x} ${y})" dy="0.35em"`;
      return `<text x="${x}" y="${y}" ${turn}>${escapeMarkup(label)}</text>`;
    }),
    ...rows.map(
      (label, i) =>
        `<text x="${at(left - 5)}" y="${at(top + (i + 0.5) * cell)}" dy="0.35em" text-anchor="end">${escapeMarkup(label)}</text>`,
    ),
  ];
  const body = [
    `<text class="title" x="${at(left)}" y="20">${escapeMarkup(title)}</text>`,
    xLabel && `<text class="dim" x="${at(left)}" y="40">${escapeMarkup(xLabel)} →</text>`,
    yLabel &&
      `<text class="dim" transform="translate(14 ${at(top)}) rotate(-90)" text-anchor="end">← ${escapeMarkup(yLabel)}</text>`,
    `<g font-size="${at(font)}" font-family="ui-monospace,Menlo,Consolas,monospace" class="dim">${labels.join('')}</g>`,
    `<rect x="${at(left)}" y="${at(top)}" width="${at(columns.length * cell)}" height="${at(rows.length * cell)}" fill="none" class="grid"/>`,
    `<g transform="translate(${at(left)} ${at(top)}) scale(${cell.toFixed(3)})" class="f${color % SERIES_COLORS}">${cells(values, columns.length, max)}</g>`,
  ];
  return svgDocument({ width, height, title, body: body.filter(Boolean).join('\n') });
}

/** One path a level, in units of a cell; neighbours in a row of the same level are one rectangle. */
function cells(values: ArrayLike<number>, columns: number, max: number): string {
  const paths = Array.from({ length: LEVELS + 1 }, () => '');
  const levelAt = (index: number) =>
    max > 0 ? Math.round(LEVELS * Math.min(1, Math.max(0, values[index] / max)) ** GAMMA) : 0;
  for (let index = 0; index < values.length; ) {
    const level = levelAt(index);
    const row = Math.floor(index / columns);
    let end = index + 1;
    while (end < (row + 1) * columns && levelAt(end) === level) end++;
    if (level > 0) paths[level] += `M${index % columns} ${row}h${end - index}v1h-${end - index}z`;
    index = end;
  }
  return paths
    .map((d, level) => d && `<path d="${d}" fill-opacity="${Math.round((100 * level) / LEVELS) / 100}"/>`)
    .filter(Boolean)
    .join('');
}

function greatest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  return most;
}
