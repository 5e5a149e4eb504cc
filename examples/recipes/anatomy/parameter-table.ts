import { grouped } from '@minigpt/report/node';

/** One parameter of a model. */
export interface ParameterRow {
  readonly name: string;
  readonly shape: readonly number[];
  /** As stored. */
  readonly dtype: string;
  /** How many numbers. */
  readonly count: number;
  /** As stored. */
  readonly bytes: number;
  readonly trainable: boolean;
}

export const PARAMETER_COLUMNS = ['name', 'shape', 'dtype', 'count', 'MiB', 'trainable'];

export const MIB = 2 ** 20;

/** What files call the dtypes of the field. */
const SPELLINGS: Readonly<Record<string, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** The dtype in a file by its usual name: `F32` is float32, and `Q4_1` has no other. */
export function dtypeName(storedAs: string): string {
  return SPELLINGS[storedAs] ?? storedAs;
}

/**
 * The table for a reader: of parameters that differ in the number of their block alone, one row, and the total below.
 *
 *     model.layers.*.mlp.up_proj.weight   30 × [1536, 576]
 */
export function parameterRows(parameters: readonly ParameterRow[]): (string | number)[][] {
  const groups = new Map<string, { name: string; alike: ParameterRow[] }>();
  for (const row of parameters) {
    const name = row.name.replace(/(?<=\.)\d+(?=\.)/g, '*');
    const key = [name, row.shape, row.dtype, row.trainable].join();
    const group = groups.get(key) ?? { name, alike: [] };
    groups.set(key, group);
    group.alike.push(row);
  }
  const cells = (rows: readonly ParameterRow[]) => [
    grouped(sum(rows, 'count')),
    (sum(rows, 'bytes') / MIB).toFixed(3),
    trainable(rows),
  ];
  return [
    ...[...groups.values()].map(({ name, alike }) => {
      const [{ shape, dtype }] = alike as [ParameterRow];
      const times = alike.length > 1 ? `${alike.length} × ` : '';
      return [name, `${times}[${shape.join(', ')}]`, dtype, ...cells(alike)];
    }),
    ['total', `${parameters.length} tables`, '', ...cells(parameters)],
  ];
}

/** The whole table as comma-separated values, a line a parameter. */
export function parameterCsv(parameters: readonly ParameterRow[]): string {
  const lines = parameters.map(({ name, shape, dtype, count, bytes, trainable }) =>
    [name, shape.join('x'), dtype, count, (bytes / MIB).toFixed(6), trainable].join(','),
  );
  return `${[PARAMETER_COLUMNS.join(','), ...lines].join('\n')}\n`;
}

function sum(rows: readonly ParameterRow[], field: 'count' | 'bytes'): number {
  return rows.reduce((total, row) => total + row[field], 0);
}

function trainable(rows: readonly ParameterRow[]): string {
  if (rows.every((row) => row.trainable)) return 'yes';
  return rows.some((row) => row.trainable) ? 'some' : 'no';
}
