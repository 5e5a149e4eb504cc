import { part } from './page.ts';

export interface HeatTable {
  /** Above the columns, as HTML. */
  readonly columns: readonly string[];
  /** Beside the rows, as HTML. */
  readonly rows: readonly string[];
  /** Row by row; undefined where there is none. */
  readonly values: readonly (readonly (number | undefined)[])[];
  /** The magnitude that has the full colour. */
  readonly full: number;
}

/** Numbers on coloured ground: blue above 0, red below. */
export function heatTable({ columns, rows, values, full }: HeatTable): string {
  const head = columns.map((column) => `<th>${column}</th>`).join('');
  const body = values.map((row, i) => `<tr><th>${rows[i]}</th>${row.map(cell).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr><th></th>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;

  function cell(value: number | undefined): string {
    if (value === undefined) return '<td></td>';
    const sign = value < 0 ? ' class="less"' : '';
    const shown = value.toFixed(2).replace(/^-(?=0\.00$)/, '');
    return `<td${sign} style="--part:${part(Math.abs(value) / full)}">${shown}</td>`;
  }
}

/** `L0`, `L1`, … */
export const layerNames = (layers: readonly unknown[]): string[] => layers.map((_, layer) => `L${layer}`);
/** `H0`, `H1`, … */
export const headNames = (heads: readonly unknown[]): string[] => heads.map((_, head) => `H${head}`);
