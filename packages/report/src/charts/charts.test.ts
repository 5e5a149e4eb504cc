import { describe, expect, it } from 'vitest';
import { barChart } from './bar-chart.ts';
import { heatMap } from './heat-map.ts';
import { lineChart } from './line-chart.ts';
import { lossCurve } from './loss-curve.ts';

const charts = {
  barChart: (title: string) => barChart({ title, bars: [{ label: title, value: 2, note: title }] }),
  heatMap: (title: string) =>
    heatMap({ title, xLabel: title, yLabel: title, rows: [title], columns: ['a', 'b'], values: [0, 1] }),
  lineChart: (title: string) =>
    lineChart({ title, xLabel: title, yLabel: title, series: [{ name: title, points: [{ x: 0, y: 1 }] }] }),
  lossCurve: (title: string) =>
    lossCurve({ title, train: [{ step: 1, loss: 2 }], validation: [{ step: 0, loss: 3 }] }),
};

describe.each(Object.entries(charts))('%s', (_, chart) => {
  it('is one SVG that names nothing outside itself, and says what it shows', () => {
    const svg = chart('Loss');
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(svg).toContain('<title>Loss');
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|<script|<image/);
  });

  it('escapes every text', () => {
    expect(chart(`<b a="1">&'`)).not.toContain('<b');
  });

  it('has no number that is not one', () => expect(chart('x')).not.toMatch(/NaN|Infinity|undefined/));
});

describe('lossCurve', () => {
  it('draws the losses from left to right, the lower ones lower', () => {
    const svg = lossCurve({
      title: '',
      train: [],
      validation: [
        { step: 0, loss: 4 },
        { step: 10, loss: 2 },
      ],
    });
    const dots = [...svg.matchAll(/<circle [^>]*cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x!, +y!]);
    expect(dots).toHaveLength(2);
    expect(dots[1]![0]).toBeGreaterThan(dots[0]![0]!);
    expect(dots[1]![1]).toBeGreaterThan(dots[0]![1]!);
    expect(svg).toContain('validation from 4.000 at step 0 to 2.000 at step 10');
  });

  it('stands for an empty run, and for a hundred thousand steps in a few kilobytes', () => {
    expect(lossCurve({ title: '', train: [], validation: [] })).not.toMatch(/NaN|Infinity/);
    const train = Array.from({ length: 100_000 }, (_, step) => ({ step, loss: 1 / (1 + step) }));
    expect(lossCurve({ title: '', train, validation: [] }).length).toBeLessThan(50_000);
  });
});

describe('heatMap', () => {
  const map = (values: number[], max?: number) =>
    heatMap({ title: '', rows: ['r', 's'], columns: ['a', 'b', 'c'], values, max });

  it('joins equal neighbours in a row, not across rows', () => {
    expect(map([1, 1, 1, 1, 0, 0])).toContain('d="M0 0h3v1h-3zM0 1h1v1h-1z" fill-opacity="1"');
  });

  it('shows a quarter of the maximum at half its strength, and nothing for 0', () => {
    expect(map([0.25, 0, 0, 0, 0, 0], 1)).toContain('<path d="M0 0h1v1h-1z" fill-opacity="0.5"/></g>');
  });
});
