import type { MeasuredBackend, MeasuredModel } from './measure-backend.ts';
import type { MeasuredInBrowser } from './page.ts';

/** What one backend gave in one runtime. */
export interface Column extends MeasuredInBrowser {
  readonly title: string;
}

export interface EqualityOptions {
  readonly cpu: MeasuredInBrowser;
  readonly columns: readonly Column[];
  /** What PyTorch gave. */
  readonly golden: MeasuredBackend['fixtures'];
  /** Of a family's training. */
  readonly steps: number;
  readonly machine: string;
}

/** The tables of docs/equality.md. */
export function equalityPage({ cpu, columns, golden, steps, machine }: EqualityOptions): string {
  const perModel = (
    models: readonly string[],
    cell: (column: MeasuredBackend, model: string) => string,
    shown: readonly Column[] = columns,
  ) =>
    table(
      ['', ...shown.map(({ title }) => title)],
      models.map((model) => [`\`${model}\``, ...shown.map((column) => cell(column, model))]),
    );
  const families = Object.keys(cpu.families);
  const drift = (step: number) =>
    perModel(families, ({ families: measured }, family) =>
      scientific(Math.abs(measured[family].losses[step] - cpu.families[family].losses[step])),
    );
  const withCpu = [{ title: '`cpu`, Node', ...cpu }, ...columns];
  return `# Equality of the backends

Written by its command; the figures are largest absolute differences, |Δ|. WebGL and WebGPU were computed by the drivers below.

    pnpm --filter @minigpt/benchmarks equality

On ${machine}:

${table(
  ['', 'computes', 'version'],
  withCpu.map(({ title, description, version }) => [title, description, version]),
)}

## Operations, against \`cpu\`

Values / gradients of all inputs, over all shapes on which \`testBackend\` tries the operation: inputs and cotangents are
normal, so that values are of the order of 1 to 10.

${table(
  ['', ...columns.map(({ title }) => title)],
  Object.keys(cpu.operations).map((operation) => [
    operation,
    ...columns.map(({ operations }) => {
      const [here, reference] = [operations[operation], cpu.operations[operation]];
      return `${difference(here.values, reference.values)} / ${difference(here.gradients, reference.gradients)}`;
    }),
  ]),
)}

## Families, against \`cpu\`

A small model of each family, the same weights everywhere: logits / gradients of all parameters.

${perModel(families, ({ families: measured }, family) => apart(measured[family], cpu.families[family]))}

The loss after three steps of training (AdamW at 0.01, dropout where the family has it), nats per token:

${drift(3)}

and after ${steps}:

${drift(steps)}

## Families, against PyTorch

The models of \`packages/models/fixtures\`: logits / gradients / losses of three steps of AdamW, PyTorch's computed in float64.

${perModel(
  Object.keys(golden),
  ({ fixtures }, name) =>
    `${apart(fixtures[name], golden[name])} / ${difference(fixtures[name].losses, golden[name].losses)}`,
  withCpu,
)}
`;
}

const apart = (a: MeasuredModel, b: MeasuredModel) =>
  `${difference(a.logits, b.logits)} / ${difference(a.gradients, b.gradients)}`;

/** The largest difference of two lists of numbers. @throws Error if one of them is longer, or holds what is no number */
function difference(a: readonly number[], b: readonly number[]): string {
  const largest = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
  if (a.length !== b.length || !Number.isFinite(largest)) {
    throw new Error(`${a.length} and ${b.length} numbers cannot be compared: ${largest}.`);
  }
  return scientific(largest);
}

const scientific = (value: number) => (value === 0 ? '0' : value.toExponential(1));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
