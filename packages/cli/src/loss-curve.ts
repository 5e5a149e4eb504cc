import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { RunningMean } from './running-mean.ts';

/** One measured loss, in nats per token. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

export interface LossCurve {
  readonly title: string;
  readonly train: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
}

const WIDTH = 880;
const HEIGHT = 480;
const MARGIN = { top: 56, right: 24, bottom: 52, left: 64 };
const COLORS = { train: '#9db4d6', smooth: '#2f5fa8', validation: '#d1495b', text: '#333', grid: '#e4e4e4' };

/** The loss of a run as a self-contained SVG: each training step, their running mean, and the validation loss. */
export function lossCurveSvg({ title, train, validation }: LossCurve): string {
  const points = [...train, ...validation];
  const x = scaleLinear(
    [0, Math.max(1, ...points.map(({ step }) => step))],
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const losses = points.map(({ loss }) => loss);
  const y = scaleLinear(
    [Math.min(...losses), Math.max(...losses)],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice();
  const path = line<LossPoint>(
    ({ step }) => x(step),
    ({ loss }) => y(loss),
  ).digits(1);

  const horizontal = y.ticks(6).map((tick) => {
    const at = y(tick).toFixed(1);
    return `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="${COLORS.grid}"/>
<text x="${MARGIN.left - 8}" y="${at}" dy="0.32em" text-anchor="end">${y.tickFormat(6)(tick)}</text>`;
  });
  const vertical = x.ticks(8).map((tick) => {
    return `<text x="${x(tick).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${x.tickFormat(8)(tick)}</text>`;
  });
  const dots = validation.map(
    ({ step, loss }) =>
      `<circle cx="${x(step).toFixed(1)}" cy="${y(loss).toFixed(1)}" r="4" fill="${COLORS.validation}"/>`,
  );
  const last = validation.at(-1);
  const label =
    last &&
    `<text x="${(x(last.step) - 8).toFixed(1)}" y="${(y(last.loss) - 12).toFixed(1)}" text-anchor="end" fill="${COLORS.validation}" font-weight="600">${last.loss.toFixed(3)}</text>`;

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="${COLORS.text}">
<title>${escapeXml(title)}, ${described(validation)}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="${MARGIN.left}" y="24" font-size="16" font-weight="600">${escapeXml(title)}</text>
${legend()}
${horizontal.join('\n')}
${vertical.join('\n')}
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">step</text>
<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">loss, nats per token</text>
<path d="${path(train) ?? ''}" fill="none" stroke="${COLORS.train}" stroke-width="1"/>
<path d="${path(runningMean(train)) ?? ''}" fill="none" stroke="${COLORS.smooth}" stroke-width="2"/>
<path d="${path(validation) ?? ''}" fill="none" stroke="${COLORS.validation}" stroke-width="2"/>
${dots.join('\n')}
${label ?? ''}
</svg>
`;
}

/** For those who do not see the picture. */
function described(validation: readonly LossPoint[]): string {
  const [first, last] = [validation.at(0), validation.at(-1)];
  if (first === undefined || last === undefined) return 'training loss by step';
  return `validation from ${first.loss.toFixed(3)} at step ${first.step} to ${last.loss.toFixed(3)} at step ${last.step}`;
}

function legend(): string {
  const entries = [
    ['training, each step', COLORS.train],
    ['training, running mean', COLORS.smooth],
    ['validation', COLORS.validation],
  ];
  return entries
    .map(([name, color], i) => {
      const left = MARGIN.left + i * 180;
      return `<line x1="${left}" x2="${left + 20}" y1="42" y2="42" stroke="${color}" stroke-width="3"/><text x="${left + 26}" y="46">${name}</text>`;
    })
    .join('\n');
}

function runningMean(points: readonly LossPoint[]): LossPoint[] {
  const mean = new RunningMean();
  return points.map(({ step, loss }) => ({ step, loss: mean.add(loss) }));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
