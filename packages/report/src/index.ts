export { type Bar, type BarChartOptions, barChart } from './charts/bar-chart.ts';
export { type HeatMapOptions, heatMap } from './charts/heat-map.ts';
export { type LineChartOptions, lineChart, type Point, type Series } from './charts/line-chart.ts';
export { type LossCurveOptions, type LossPoint, lossCurve } from './charts/loss-curve.ts';
export {
  type Block,
  type FigureBlock,
  type FormulaBlock,
  type Page,
  renderPage,
  type SampleBlock,
  type TableBlock,
} from './page.ts';
export { RunningMean } from './running-mean.ts';
