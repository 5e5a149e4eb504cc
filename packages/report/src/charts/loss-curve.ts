import { RunningMean } from '../running-mean.ts';
import { lineChart } from './line-chart.ts';

/** One measured loss, in nats per token. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

export interface LossCurveOptions {
  readonly title: string;
  readonly train: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
}

/** The loss of a run as a self-contained SVG: each training step, their running mean, and the validation loss. */
export function lossCurve({ title, train, validation }: LossCurveOptions): string {
  return lineChart({
    title,
    xLabel: 'step',
    yLabel: 'loss, nats per token',
    description: `${title}, ${described(validation)}`,
    series: [
      { name: 'training, each step', points: train.map(point), style: 'faint', color: 0 },
      { name: 'training, running mean', points: runningMean(train).map(point), color: 0 },
      { name: 'validation', points: validation.map(point), style: 'dots', color: 1 },
    ],
  });
}

const point = ({ step, loss }: LossPoint) => ({ x: step, y: loss });

/** For those who do not see the picture. */
function described(validation: readonly LossPoint[]): string {
  const [first, last] = [validation.at(0), validation.at(-1)];
  if (first === undefined || last === undefined) return 'training loss by step';
  return `validation from ${first.loss.toFixed(3)} at step ${first.step} to ${last.loss.toFixed(3)} at step ${last.step}`;
}

/** Over ten steps, or over a hundredth of a long run. */
function runningMean(points: readonly LossPoint[]): LossPoint[] {
  const mean = new RunningMean(1 - 1 / Math.max(10, points.length / 100));
  return points.map(({ step, loss }) => ({ step, loss: mean.add(loss) }));
}
