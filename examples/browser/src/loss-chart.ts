import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Nats per token over the steps of a run, drawn as they come. */
export class LossChart {
  readonly #plot: uPlot;
  #steps: number[] = [];
  #losses: number[] = [];

  constructor(element: HTMLElement) {
    const axis = { stroke: () => getComputedStyle(element).color, grid: { stroke: '#8884', width: 1 } };
    this.#plot = new uPlot(
      {
        width: element.clientWidth,
        height: 240,
        scales: { x: { time: false } },
        axes: [
          { ...axis, label: 'step' },
          { ...axis, label: 'nats per character' },
        ],
        series: [{ label: 'step' }, { label: 'loss', stroke: '#c60', width: 2 }],
      },
      [[], []],
      element,
    );
    new ResizeObserver(([{ contentRect }]) => {
      this.#plot.setSize({ width: contentRect.width, height: 240 });
    }).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
  }

  add(step: number, loss: number): void {
    // A run that goes on from a save draws over what it takes back.
    while ((this.#steps.at(-1) ?? 0) >= step) {
      this.#steps.pop();
      this.#losses.pop();
    }
    this.#steps.push(step);
    this.#losses.push(loss);
    this.#draw();
  }

  clear(): void {
    this.#steps = [];
    this.#losses = [];
    this.#draw();
  }

  #draw(): void {
    this.#plot.setData([this.#steps, this.#losses]);
  }
}
