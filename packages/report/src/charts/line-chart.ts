import { type ScaleLinear, scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { escapeMarkup } from '../escape.ts';
import { at, SERIES_COLORS, svgDocument } from './svg.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** `faint`: a thin pale line, for noise; `dots`: a line with a dot at each point and the last value beside it. Default `line`. */
  readonly style?: 'line' | 'faint' | 'dots';
  /** Which colour, counted from 0; the place in the list unless told. */
  readonly color?: number;
}

export interface LineChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** What is read out in place of the picture; the title unless told. */
  readonly description?: string;
}

const WIDTH = 880;
const HEIGHT = 480;
const MARGIN = { top: 64, right: 28, bottom: 52, left: 64 };
const LEGEND_CHARACTER = 6.6;
/** More points than this are not told apart at this width. */
const MOST_POINTS = 1200;

/** Lines over a common horizontal axis, as a self-contained SVG. */
export function lineChart({ title, xLabel, yLabel, series, description = title }: LineChartOptions): string {
  const points = series.flatMap(({ points }) => points);
  const x = scaleLinear(extent(points.map((point) => point.x)), [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear(extent(points.map((point) => point.y)), [HEIGHT - MARGIN.bottom, MARGIN.top]).nice();
  const body = [
    `<text class="title" x="${MARGIN.left}" y="22">${escapeMarkup(title)}</text>`,
    legend(series),
    axes(x, y, xLabel, yLabel),
    ...series.map((entry, i) => drawn(entry, entry.color ?? i, x, y)),
  ];
  return svgDocument({ width: WIDTH, height: HEIGHT, title: description, body: body.join('\n') });
}

type Scale = ScaleLinear<number, number>;

/** From the least to the greatest; something to draw on where there is nothing, or but one value. */
function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low === high ? [low, low + 1] : [low, high];
}

function axes(x: Scale, y: Scale, xLabel: string, yLabel: string): string {
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const rows = y.ticks(6).map((tick) => {
    const height = at(y(tick));
    return `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${height}" y2="${height}"/><text class="dim" x="${MARGIN.left - 8}" y="${height}" dy="0.32em" text-anchor="end">${y.tickFormat(6)(tick)}</text>`;
  });
  const columns = x
    .ticks(8)
    .map(
      (tick) =>
        `<text class="dim" x="${at(x(tick))}" y="${bottom + 20}" text-anchor="middle">${x.tickFormat(8)(tick)}</text>`,
    );
  return [
    ...rows,
    ...columns,
    `<text x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapeMarkup(xLabel)}</text>`,
    `<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeMarkup(yLabel)}</text>`,
  ].join('\n');
}

function legend(series: readonly Series[]): string {
  let left = MARGIN.left;
  return series
    .map(({ name, style, color }, i) => {
      const from = left;
      left += 44 + name.length * LEGEND_CHARACTER;
      return `<line class="l${(color ?? i) % SERIES_COLORS}" x1="${at(from)}" x2="${at(from + 20)}" y1="42" y2="42" stroke-width="3"${faintness(style)}/><text x="${at(from + 26)}" y="46">${escapeMarkup(name)}</text>`;
    })
    .join('\n');
}

function drawn({ points, style }: Series, color: number, x: Scale, y: Scale): string {
  const index = color % SERIES_COLORS;
  const path = line<Point>(
    (point) => x(point.x),
    (point) => y(point.y),
  ).digits(1);
  const width = style === 'faint' ? 1 : 2;
  const parts = [
    `<path class="l${index}" d="${path(thinned(points)) ?? ''}" stroke-width="${width}"${faintness(style)}/>`,
  ];
  const last = points.at(-1);
  if (style === 'dots' && last !== undefined) {
    for (const point of points)
      parts.push(`<circle class="f${index}" cx="${at(x(point.x))}" cy="${at(y(point.y))}" r="4"/>`);
    parts.push(
      `<text class="f${index}" x="${at(x(last.x) - 4)}" y="${at(y(last.y) - 12)}" text-anchor="end" font-weight="600">${last.y.toFixed(3)}</text>`,
    );
  }
  return parts.join('\n');
}

function faintness(style: Series['style']): string {
  return style === 'faint' ? ' opacity="0.35"' : '';
}

/** Means of neighbours, where there are more points than can be told apart. */
function thinned(points: readonly Point[]): readonly Point[] {
  const group = Math.ceil(points.length / MOST_POINTS);
  if (group <= 1) return points;
  const means: Point[] = [];
  for (let i = 0; i < points.length; i += group) {
    const part = points.slice(i, i + group);
    const mean = (of: (point: Point) => number) =>
      part.reduce((sum, point) => sum + of(point), 0) / part.length;
    means.push({ x: mean(({ x }) => x), y: mean(({ y }) => y) });
  }
  return means;
}
