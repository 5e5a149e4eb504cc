import { escapeMarkup } from '../escape.ts';
import { at, SERIES_COLORS, svgDocument } from './svg.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written behind the bar; the value unless told. */
  readonly note?: string;
}

export interface BarChartOptions {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly color?: number;
}

const WIDTH = 720;
const ROW = 24;
const TOP = 40;
const CHARACTER = 7.2;

/** Bars from left to right, one below the other, as a self-contained SVG; values from 0 on. */
export function barChart({ title, bars, color = 0 }: BarChartOptions): string {
  const notes = bars.map(({ value, note = String(value) }) => note);
  const widest = (texts: readonly string[]) =>
    texts.reduce((most, text) => Math.max(most, text.length), 0) * CHARACTER;
  const left = 12 + widest(bars.map(({ label }) => label));
  const room = WIDTH - left - widest(notes) - 20;
  const most = bars.reduce((max, { value }) => Math.max(max, value), 0) || 1;
  const drawn = bars.map(({ label, value }, i) => {
    const y = TOP + i * ROW;
    const length = (value / most) * room;
    return `<text x="${at(left - 8)}" y="${y + 12}" dy="0.35em" text-anchor="end" style="white-space:pre">${escapeMarkup(label)}</text><rect class="f${color % SERIES_COLORS}" x="${at(left)}" y="${y + 3}" width="${at(Math.max(1, length))}" height="18" rx="2"/><text class="dim" x="${at(left + length + 8)}" y="${y + 12}" dy="0.35em">${escapeMarkup(notes[i]!)}</text>`;
  });
  const body = [`<text class="title" x="8" y="20">${escapeMarkup(title)}</text>`, ...drawn];
  return svgDocument({
    width: WIDTH,
    height: TOP + bars.length * ROW + 8,
    title: `${title}: ${bars.map(({ label }, i) => `${label} ${notes[i]}`).join(', ')}`,
    body: body.join('\n'),
  });
}
